using LowRank.Models.Decoder;
using LowRank.Models.Families;
using static TorchSharp.torch;

namespace LowRank.Models.Checkpoints;

/// <summary>
/// The matrices of a checkpoint as it stores them, read again one by one while a model of it stands in 4 bits: what a start needs that looks at what quantizing lost. Dispose it after use.
/// </summary>
internal sealed class OriginalWeights : IDisposable
{
    private readonly OpenedCheckpoint checkpoint;
    private readonly WeightReader reader;
    private readonly Dictionary<string, (long Out, long In)> shapes;
    private readonly bool isTransposed;

    private OriginalWeights(OpenedCheckpoint checkpoint, Dictionary<string, (long Out, long In)> shapes, bool isTransposed)
    {
        (this.checkpoint, this.shapes, this.isTransposed) = (checkpoint, shapes, isTransposed);
        reader = new WeightReader(checkpoint.Tensors, checkpoint.Path);
    }

    /// <summary>Opens the checkpoint that a model was loaded from.</summary>
    /// <param name="model">The model, with its layers in 4 bits.</param>
    /// <exception cref="LowRankException">The checkpoint is no longer there, or in 4 bits itself.</exception>
    public static OriginalWeights Open(LanguageModel model)
    {
        var path = model.Files.Path;
        if (!Directory.Exists(path) && !File.Exists(path)) throw new LowRankException($"{path}, from which {model.Id} was loaded, is no longer there; its 16-bit weights are needed for init_lora_weights \"loftq\".");
        var checkpoint = OpenedCheckpoint.Open(path);
        try
        {
            if (QuantizationConfig.IsFourBit(checkpoint.Config))
                throw new LowRankException($"{path} is in 4 bits itself, so that nobody knows what quantizing took from its weights, which init_lora_weights \"loftq\" makes up for. Take the 16-bit checkpoint (--method qlora quantizes it while loading), or another start.");
            var spec = ModelFamilies.Of(checkpoint.Config).Read(checkpoint.Config);
            var shapes = Enumerable.Range(0, spec.Layers).SelectMany(i => spec.LinearsOf(i).Select(l => (Name: spec.Within(i, l.Name), l.OutFeatures, l.InFeatures)))
                .ToDictionary(l => l.Name, l => (l.OutFeatures, l.InFeatures), StringComparer.Ordinal);
            return new OriginalWeights(checkpoint, shapes, spec.TransposedWeights);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The weight of a layer's module, fp32 <c>[out, in]</c>; the caller's.</summary>
    /// <param name="module">Its dotted name.</param>
    /// <exception cref="LowRankException">The checkpoint has no such matrix any more.</exception>
    public Tensor Of(string module)
    {
        var (rows, columns) = shapes[module];
        using var weight = reader.ReadMatrix(module, rows, columns, isTransposed);
        reader.ThrowIfWrong();
        return weight!.Dequantize(0, rows);
    }

    /// <inheritdoc/>
    public void Dispose() => checkpoint.Dispose();
}
