using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Packing;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Settings;
using TorchSharp;

namespace LowRank.Training.Planning;

/// <summary>Plans a run from its settings and its batches: before the model is loaded, or after.</summary>
internal static class RunPlanner
{
    /// <summary>The plan for the widest batch that the run meets.</summary>
    public static MemoryPlan Plan(TrainSettings settings, TrainedWeights weights, IReadOnlyList<Example> examples, BatchOptions batches, int checkpointedLayers = 0)
    {
        var stored = weights.Model.Decoder.Slots.OfType<EmbeddingSlot>().Single().Module is FrozenEmbedding { Weight: DenseWeight dense } && dense.StoredType == torch.ScalarType.Float32 ? 4 : 2;
        var adapter = weights is LoraWeights lora ? AdapterShape.Of(lora.Adapter.Selection) : null;
        return Plan(settings, ModelShape.Of(weights.Model.Decoder.Spec), adapter, stored, WidestBatch.Of(examples, batches, settings.Optimization), checkpointedLayers);
    }

    /// <summary>The plan of a run whose sizes are known.</summary>
    public static MemoryPlan Plan(TrainSettings settings, ModelShape model, AdapterShape? adapter, int storedBytes, WidestBatch widest, int checkpointedLayers) =>
        MemoryPlanner.Predict(model, new PlannedRun
        {
            Recipe = settings.Adapter.Method switch
            {
                "full" => TrainingRecipe.FullFp32,
                "qlora" => TrainingRecipe.QloraDouble,
                _ => TrainingRecipe.Lora,
            },
            Adapter = adapter,
            Rows = widest.Rows,
            Length = widest.Length,
            SupervisedTokens = widest.SupervisedTokens,
            CheckpointedLayers = checkpointedLayers,
            ComputeBytes = settings.Model.Dtype == "bf16" ? 2 : 4,
            StoredBytes = storedBytes,
            HasDropout = settings.Adapter.Dropout > 0 && adapter is not null,
            IsPacked = settings.Data.Packing,
        });
}
