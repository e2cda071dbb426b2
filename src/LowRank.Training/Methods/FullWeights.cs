using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Methods;

/// <summary>All weights of the model, as fp32 parameters; what is written is a whole checkpoint with the values that were trained. bf16 would round away changes below 1/512 of a weight, which is most of what a short run at a usual learning rate changes.</summary>
public sealed class FullWeights : TrainedWeights
{
    private readonly FullTraining training;
    private readonly long allParameters;

    /// <summary>Makes every weight of the model a parameter. The frozen base is freed on the way.</summary>
    public FullWeights(LanguageModel model) : base(model)
    {
        if (model.Quantization is not null)
            throw new LowRankException($"{model.Id} is in 4 bits, from which all weights cannot be trained. Take the 16-bit model, or train an adapter with --method qlora.");
        allParameters = model.ParameterCount;
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
        Model.Files.WriteInto(folder, Model.Config, SayFloat32);
        folder.Write(AdapterRecord.FileName, System.Text.Encoding.UTF8.GetBytes(record.ToJson()));
        using var writer = SafetensorsWriter.Create(folder.At(SafetensorsFolder.SingleFile), Parameters.Select(p => (p.Name, TensorType.F32, p.Shape)));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var p in Parameters)
        {
            using var values = p.Value.detach().cpu();
            using var dense = values.contiguous();
            writer.Write(p.Name, MemoryMarshal.AsBytes(dense.bytes));
        }
        writer.Commit();
    }

    // transformers 5 loads in the dtype that the configuration names; the key was torch_dtype before it.
    private static void SayFloat32(JsonObject config) => config[config.ContainsKey("dtype") ? "dtype" : "torch_dtype"] = "float32";
}
