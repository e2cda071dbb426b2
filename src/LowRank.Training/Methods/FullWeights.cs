using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Methods;

/// <summary>All weights of the model, as fp32 parameters; what is written is a whole checkpoint in the dtype of the base.</summary>
public sealed class FullWeights : TrainedWeights
{
    private readonly FullTraining training;
    private readonly long allParameters;
    private readonly TensorType type;

    /// <summary>Makes every weight of the model a parameter. The frozen base is freed on the way.</summary>
    public FullWeights(LanguageModel model) : base(model)
    {
        if (model.Quantization is not null)
            throw new LowRankException($"{model.Id} is in 4 bits, from which all weights cannot be trained. Take the 16-bit model, or train an adapter with --method qlora.");
        allParameters = model.ParameterCount;
        type = model.Decoder.Slots.OfType<EmbeddingSlot>().Single().Module is FrozenEmbedding { Weight: Quantization.DenseWeight { StoredType: ScalarType.BFloat16 } } ? TensorType.BF16 : TensorType.F32;
        training = FullTraining.Attach(model.Decoder.Slots);
    }

    /// <inheritdoc/>
    public override string Method => "full";

    /// <inheritdoc/>
    public override IReadOnlyList<TrainableParameter> Parameters => training.Parameters;

    /// <inheritdoc/>
    public override long AllParameters => allParameters;

    /// <inheritdoc/>
    public override void WriteInto(AtomicFolder folder, AdapterRecord record)
    {
        Model.Files.WriteInto(folder);
        folder.Write(AdapterRecord.FileName, System.Text.Encoding.UTF8.GetBytes(record.ToJson()));
        using var writer = SafetensorsWriter.Create(folder.At(SafetensorsFolder.SingleFile), Parameters.Select(p => (p.Name, type, p.Shape)));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var p in Parameters)
        {
            using var values = p.Value.detach().cpu();
            using var cast = type == TensorType.BF16 ? values.to(ScalarType.BFloat16) : values.contiguous();
            writer.Write(p.Name, MemoryMarshal.AsBytes(cast.bytes));
        }
        writer.Commit();
    }
}
