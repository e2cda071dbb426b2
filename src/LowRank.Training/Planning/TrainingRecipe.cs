namespace LowRank.Training.Planning;

/// <summary>A way to train, by the bytes that a parameter costs in it.</summary>
/// <param name="Name">A short name for tables.</param>
/// <param name="Method">full, lora or qlora.</param>
/// <param name="Base">How the base's weights are held.</param>
/// <param name="GradientBytes">Bytes of a trained parameter's gradient.</param>
/// <param name="MasterBytes">Bytes of a second, wider copy of a trained parameter; 0 without one.</param>
/// <param name="MomentBytes">Bytes of the optimizer's two moments of a parameter.</param>
public sealed record TrainingRecipe(string Name, string Method, BasePrecision Base, int GradientBytes, int MasterBytes, double MomentBytes)
{
    /// <summary>Full fine-tuning with weights and gradients in bf16 and fp32 moments: 12 bytes a parameter.</summary>
    public static TrainingRecipe FullBf16 { get; } = new("full, bf16", "full", BasePrecision.Bf16, 2, 0, 8);

    /// <summary>Mixed precision with fp32 master weights beside the bf16 ones: 16 bytes a parameter.</summary>
    public static TrainingRecipe FullMaster { get; } = new("full, bf16 + fp32 copy", "full", BasePrecision.Bf16, 2, 4, 8);

    /// <summary>What LowRank's <c>--method full</c> does: fp32 weights, gradients and moments, 16 bytes a parameter.</summary>
    public static TrainingRecipe FullFp32 { get; } = new("full, fp32 (LowRank)", "full", BasePrecision.Fp32, 4, 0, 8);

    /// <summary>LoRA over a 16-bit base; the adapter, its gradients and moments are fp32, as in PEFT.</summary>
    public static TrainingRecipe Lora { get; } = new("LoRA", "lora", BasePrecision.Bf16, 4, 0, 8);

    /// <summary>LoRA over a 4-bit base.</summary>
    public static TrainingRecipe Qlora { get; } = new("QLoRA", "qlora", BasePrecision.Nf4, 4, 0, 8);

    /// <summary>LoRA over a 4-bit base with double quantization (arXiv:2305.14314).</summary>
    public static TrainingRecipe QloraDouble { get; } = new("QLoRA, double quant.", "qlora", BasePrecision.Nf4Double, 4, 0, 8);

    /// <summary>All of them, the dearest first.</summary>
    public static IReadOnlyList<TrainingRecipe> All { get; } = [FullMaster, FullFp32, FullBf16, Lora, Qlora, QloraDouble];

    /// <summary>Whether all weights are trained.</summary>
    public bool IsFull => Method == "full";
}
