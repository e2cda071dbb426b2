using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Memory;

/// <summary>M5: a model of 7 B needs 80 GB in full and 8 GB with LoRA or QLoRA: a tenth. A tenth is QLoRA with activations; LoRA over 16 bits is a sixth.</summary>
internal sealed class FullBill : IClaimCheck
{
    private const double SaidFull = 80, SaidSmall = 8;
    private const long Tokens = 512;

    public string Id => "M5";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var trained = SevenBillion.Trainable(16, "qv") * LoraSize.TrainedBytes;
        var activations = SevenBillion.StepBytes(16, "qv", Tokens);
        double full = SevenBillion.Parameters * 12, lora = SevenBillion.SixteenBitBytes + trained,
            qlora = SevenBillion.LinearNf4Bytes + SevenBillion.UnquantizedBytes + trained;
        return new Figures
        {
            ["said_full_gb"] = SaidFull,
            ["full_gb"] = full / 1e9,
            ["full_master_gb"] = SevenBillion.Parameters * 16 / 1e9,
            ["said_small_gb"] = SaidSmall,
            ["lora_gb"] = lora / 1e9,
            ["lora_ratio"] = full / lora,
            ["activations_gb"] = activations / 1e9,
            ["tokens"] = Tokens,
            ["qlora_gb"] = qlora / 1e9,
            ["qlora_with_activations_gb"] = (qlora + activations) / 1e9,
            ["qlora_ratio"] = full / (qlora + activations),
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["full_gb"].IsNear(figures["said_full_gb"], 0.05) && figures["qlora_with_activations_gb"] <= figures["said_small_gb"],
        exactly: figures["lora_gb"] <= figures["said_small_gb"]);
}
