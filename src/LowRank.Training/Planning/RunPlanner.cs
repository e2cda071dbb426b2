using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Packing;
using LowRank.Training.Settings;

namespace LowRank.Training.Planning;

/// <summary>Reads the sizes that decide memory off a run that is set up.</summary>
internal static class RunPlanner
{
    /// <summary>The plan for the largest batch that the run can meet.</summary>
    public static MemoryPlan Plan(TrainSettings settings, TrainedWeights weights, IReadOnlyList<Example> examples, BatchOptions batches, int checkpointedLayers = 0)
    {
        var spec = weights.Model.Decoder.Spec;
        var longest = examples.OrderByDescending(e => e.Length).Take(batches.BatchSize).ToArray();
        var stored = weights.Model.Decoder.Slots.OfType<EmbeddingSlot>().Single().Module is FrozenEmbedding { Weight: DenseWeight dense } && dense.StoredType != TorchSharp.torch.ScalarType.Float32 ? 2 : 4;
        return MemoryPlanner.Predict(spec, new PlannedRun
        {
            Method = weights.Method,
            BaseParameters = weights.Model.ParameterCount,
            StoredBytes = stored,
            TrainableParameters = weights.Parameters.Sum(p => p.Count),
            AdapterRanks = weights is LoraWeights lora ? lora.Adapter.Selection.Targets.Sum(t => (long)t.Rank) / spec.Layers : 0,
            Rows = batches.BatchSize,
            Length = batches.Layout == BatchLayout.Packed ? batches.RowLength : longest[0].Length,
            SupervisedTokens = longest.Sum(e => e.SupervisedTokens),
            CheckpointedLayers = checkpointedLayers,
            ComputeBytes = settings.Model.Dtype == "bf16" ? 2 : 4,
        });
    }
}
