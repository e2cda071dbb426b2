using LowRank.Models.Decoder;

namespace LowRank.Training.Planning;

/// <summary>
/// What a run will need at its peak, computed from sizes before anything is loaded. The formula counts what this implementation keeps for the backward pass; the
/// end of every run shows it beside the measured peak.
/// </summary>
public static class MemoryPlanner
{
    /// <summary>The process before a model is loaded: .NET, libtorch's code that is paged in, thread stacks.</summary>
    private const long RuntimeBytes = 230L << 20;

    /// <summary>Predicts the peak of a training run.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="plan">Method, sizes.</param>
    public static MemoryPlan Predict(DecoderSpec spec, PlannedRun plan)
    {
        long hidden = spec.HiddenSize, inner = spec.IntermediateSize, queries = spec.Heads * spec.HeadSize;
        var tokens = plan.Rows * plan.Length;
        long computeBytes = plan.ComputeBytes;
        // By layer and token: two inputs of norms and two outputs of them; q, repeated k and v, the attended heads twice (as computed, and joined for the
        // projection); gate, its activation, up and their product.
        var perLayer = 4 * hidden + 5 * queries + 4 * inner;
        if (spec.NormAfterBlocks) perLayer += 2 * hidden;
        if (spec.NormQueryKey) perLayer += queries + spec.KeyValueHeads * spec.HeadSize;
        // Scores and probabilities are kept where the fused attention cannot cap them.
        var scores = spec.AttentionSoftCap is null ? 0 : 3 * spec.Heads * plan.Rows * plan.Length * plan.Length * sizeof(float);
        var layer = tokens * perLayer * computeBytes + scores + tokens * plan.AdapterRanks * sizeof(float);
        // A checkpointed layer keeps its input; one of them at a time has all of its activations, when those of the layers above are gone.
        var keptLayers = Math.Max(spec.Layers - plan.CheckpointedLayers, plan.CheckpointedLayers > 0 ? 1 : 0);
        var activations = keptLayers * layer + plan.CheckpointedLayers * tokens * hidden * computeBytes;
        var chunk = Math.Min(plan.SupervisedTokens, Autograd.ChunkedCrossEntropy.TokensPerChunk(spec.VocabularySize));
        return new MemoryPlan
        {
            Runtime = RuntimeBytes,
            Base = plan.Method == "full" ? 0 : plan.BaseParameters * plan.StoredBytes,
            Trained = plan.TrainableParameters * sizeof(float),
            Gradients = plan.TrainableParameters * sizeof(float),
            Optimizer = plan.TrainableParameters * 2 * sizeof(float),
            Activations = activations,
            Logits = chunk * spec.VocabularySize * sizeof(float),
            // The widest moment of the backward pass: the gradient of the MLP's three inner tensors, and a widened panel of weights.
            Workspace = tokens * (3 * inner + 2 * hidden) * computeBytes + (16L << 20),
        };
    }
}
