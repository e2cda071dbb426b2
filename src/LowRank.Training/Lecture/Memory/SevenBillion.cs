using LowRank.Adapters;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Lecture.Memory;

/// <summary>The model of the lecture's bill, Llama-2-7B, by the planner's table and formulas.</summary>
internal static class SevenBillion
{
    /// <summary>Its sizes.</summary>
    public static ModelShape Shape { get; } = ModelShape.Read(KnownModel.Find("llama-2-7b")!.Config);

    /// <summary>All parameters.</summary>
    public static long Parameters => Shape.Parameters;

    /// <summary>Bytes in 16 bits.</summary>
    public static long SixteenBitBytes => BaseBytes.Of(Shape, BasePrecision.Bf16);

    /// <summary>Bytes of the linear layers in NF4 with double quantization.</summary>
    public static long LinearNf4Bytes => BaseBytes.Nf4(Shape, doubleQuantization: true);

    /// <summary>Bytes of what stays in 16 bits beside them: token table, head, norms.</summary>
    public static long UnquantizedBytes => 2 * Shape.UnquantizedParameters;

    /// <summary>Parameters of a LoRA.</summary>
    public static long Trainable(int rank, string target) => Adapter(rank, target).TrainableParameters;

    /// <summary>Bytes of activations, a chunk of logits and workspace of QLoRA for one row on a graphics card, and of what the process takes there.</summary>
    public static long StepBytes(int rank, string target, long tokens)
    {
        var plan = Step(rank, target, tokens);
        return plan.Activations.Bytes + plan.Logits.Bytes + plan.Workspace.Bytes + plan.Runtime.Bytes;
    }

    /// <summary>The plan of QLoRA for one row on a graphics card.</summary>
    /// <param name="rank">Rank of the adapters.</param>
    /// <param name="target">What they stand on.</param>
    /// <param name="tokens">Tokens of the row.</param>
    /// <param name="checkpointed">Layers whose activations are made again in the backward pass.</param>
    public static MemoryPlan Step(int rank, string target, long tokens, long checkpointed = 0) => MemoryPlanner.Predict(Shape, new PlannedRun
    {
        Recipe = TrainingRecipe.QloraDouble, Adapter = Adapter(rank, target), Rows = 1, Length = tokens, ComputeBytes = 2, CheckpointedLayers = checkpointed, Runtime = DeviceMemory.Context,
    });

    private static AdapterShape Adapter(int rank, string target) => AdapterShape.Of(Shape, rank, target);
}
