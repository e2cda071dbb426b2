using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>Compares the base of a trained model with one that no run has touched, tensor by tensor and by fingerprint.</summary>
internal sealed class FreezeWatch : IDisposable
{
    private readonly LanguageModel untouched;

    public FreezeWatch(LectureLaboratory laboratory) => untouched = laboratory.Load();

    /// <summary>What became of a model's base.</summary>
    public FreezeReport Compare(LanguageModel trained)
    {
        var (tensors, requiring, changed) = (0, 0, 0);
        var (before, after) = (new BaseFingerprintBuilder(), new BaseFingerprintBuilder());
        using var noGrad = no_grad();
        foreach (var (was, now) in Tensors(untouched).Zip(Tensors(trained)))
        {
            tensors++;
            if (now.RequiresGradient) requiring++;
            using Tensor old = was.Read(), current = now.Read();
            Span<byte> oldBytes = MemoryMarshal.AsBytes(old.bytes), bytes = MemoryMarshal.AsBytes(current.bytes);
            if (!oldBytes.SequenceEqual(bytes)) changed++;
            before.Add(was.Name, old.shape, oldBytes);
            after.Add(now.Name, current.shape, bytes);
        }
        return new FreezeReport(tensors, requiring, changed, before.Finish() == after.Finish());
    }

    // Values as fp32, which holds every value of the stored form exactly.
    private static IEnumerable<(string Name, bool RequiresGradient, Func<Tensor> Read)> Tensors(LanguageModel model)
    {
        foreach (var slot in model.Decoder.Slots)
        {
            switch (slot)
            {
                case LinearSlot linear:
                    var layer = linear.FrozenBase();
                    yield return ($"{slot.Name}.weight", linear.Module is TrainedLinear, () => layer.Weight.Dequantize(0, layer.OutFeatures));
                    if (layer.Bias is { } bias) yield return ($"{slot.Name}.bias", bias.requires_grad, () => bias.detach().to(ScalarType.Float32, copy: true));
                    break;
                case EmbeddingSlot embedding:
                    var table = embedding.FrozenBase();
                    yield return ($"{slot.Name}.weight", embedding.Module is TrainedEmbedding, () => table.Weight.Dequantize(0, table.Rows));
                    break;
                case NormSlot norm:
                    yield return ($"{slot.Name}.weight", norm.Module.Weight.requires_grad, () => norm.Module.Weight.detach().to(ScalarType.Float32, copy: true));
                    break;
            }
        }
    }

    public void Dispose() => untouched.Dispose();
}
