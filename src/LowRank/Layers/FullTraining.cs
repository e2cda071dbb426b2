using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>
/// Full fine-tuning: every weight in a model's slots becomes an fp32 parameter. The one method for which the base is not frozen; there is no way back, the frozen
/// weights are freed one by one as they are replaced.
/// </summary>
public sealed class FullTraining
{
    private FullTraining(IReadOnlyList<TrainableParameter> parameters) => Parameters = parameters;

    /// <summary>All weights under their names in the checkpoint, a tied head's once.</summary>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>Replaces all layers in the slots by trained ones.</summary>
    public static FullTraining Attach(IReadOnlyList<ModuleSlot> slots)
    {
        var parameters = new List<TrainableParameter>();
        var table = slots.OfType<EmbeddingSlot>().First();
        var frozenTable = (FrozenEmbedding)table.Module;
        var trainedTable = new TrainableParameter($"{table.Name}.weight", frozenTable.Weight.Dequantize(0, frozenTable.Rows));
        parameters.Add(trainedTable);
        foreach (var slot in slots)
        {
            switch (slot)
            {
                case LinearSlot { Module: FrozenLinear frozen } linear when ReferenceEquals(frozen.Weight, frozenTable.Weight):
                    linear.Module = new TrainedLinear(trainedTable, null, ownsWeight: false) { ProductType = frozen.Weight.ProductType };
                    frozen.Dispose();
                    break;
                case LinearSlot { Module: FrozenLinear frozen } linear:
                    var weight = new TrainableParameter($"{slot.Name}.weight", frozen.StoredWeight());
                    var bias = frozen.Bias is { } b ? new TrainableParameter($"{slot.Name}.bias", b.to(ScalarType.Float32, copy: true)) : null;
                    linear.Module = new TrainedLinear(weight, bias) { ProductType = frozen.Weight.ProductType, IsTransposed = frozen.IsTransposed };
                    frozen.Dispose();
                    parameters.Add(weight);
                    if (bias is not null) parameters.Add(bias);
                    break;
                case NormSlot norm:
                    parameters.Add(norm.Module.Train($"{slot.Name}.weight"));
                    if (norm.Module.HasBias) parameters.Add(norm.Module.TrainBias($"{slot.Name}.bias"));
                    break;
                case EmbeddingSlot { Module: FrozenEmbedding other } places when places != table:
                    var vectors = new TrainableParameter($"{slot.Name}.weight", other.Weight.Dequantize(0, other.Rows));
                    places.Module = new TrainedEmbedding(vectors);
                    other.Dispose();
                    parameters.Add(vectors);
                    break;
            }
        }
        table.Module = new TrainedEmbedding(trainedTable);
        frozenTable.Dispose();
        return new FullTraining(parameters);
    }
}
