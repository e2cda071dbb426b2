using LowRank.Layers;
using LowRank.Models;
using LowRank.Models.Decoder;
using LowRank.Quantization;
using LowRank.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>Logits of a model with its adapter beside those of the merged model.</summary>
/// <param name="Largest">The largest logit by magnitude.</param>
/// <param name="Difference">The largest difference when W + s·BA is kept in fp32.</param>
/// <param name="RoundedDifference">The largest difference when the sum is rounded to bf16, as a merged checkpoint of a bf16 model is.</param>
/// <param name="SameChoice">The share of places at which both would write the same token, with the sum in fp32.</param>
/// <param name="Places">Places compared.</param>
internal sealed record MergeComparison(double Largest, double Difference, double RoundedDifference, double SameChoice, int Places)
{
    private const int Rows = 8;

    /// <summary>Compares, and leaves the model without its adapter and with merged weights.</summary>
    public static MergeComparison Of(LanguageModel model, IReadOnlyList<DataRow> rows)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var examples = ExampleBuilder.For(model).Build([.. rows.Take(Rows)]).Examples;
        var adapted = Logits(model, examples);
        var merged = model.Adapter!.MergedTensors().ToDictionary(t => t.Name, t => t.Value, StringComparer.Ordinal);
        model.Detach();
        Replace(model, merged, ScalarType.Float32);
        var exact = Logits(model, examples);
        Replace(model, merged, ScalarType.BFloat16);
        var rounded = Logits(model, examples);
        return new MergeComparison(adapted.abs().max().item<float>(), (adapted - exact).abs().max().item<float>(), (adapted - rounded).abs().max().item<float>(),
            adapted.argmax(-1).eq(exact.argmax(-1)).to(ScalarType.Float32).mean().item<float>(), (int)adapted.shape[0]);
    }

    private static Tensor Logits(LanguageModel model, IReadOnlyList<Example> examples)
    {
        var parts = new List<Tensor>();
        foreach (var example in examples)
        {
            var ids = new long[example.Length];
            for (var i = 0; i < ids.Length; i++) ids[i] = example.InputIds[i];
            using var input = DecoderInput.Padded(ids, 1);
            parts.Add(model.Decoder.Logits(model.Decoder.Hidden(input)).squeeze(0));
        }
        return cat(parts, 0);
    }

    private static void Replace(LanguageModel model, Dictionary<string, Tensor> merged, ScalarType type)
    {
        foreach (var slot in model.Decoder.Slots.OfType<LinearSlot>())
        {
            if (!merged.TryGetValue($"{slot.Name}.weight", out var weight) || slot.Module is not FrozenLinear frozen) continue;
            var bias = frozen.Bias?.clone();
            slot.Module = new FrozenLinear(new DenseWeight(weight.to(type, copy: true)), bias);
            frozen.Dispose();
        }
    }
}
