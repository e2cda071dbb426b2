using LowRank.Adapters.Many;
using LowRank.Models;
using LowRank.Models.Decoder;
using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Advanced;

/// <summary>A4: several LoRAs at once over one model: switched, mixed in one batch, and both together.</summary>
internal sealed class ManyAtOnce : IClaimCheck
{
    private const int RowLength = 24;

    public string Id => "A4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var half = laboratory.Training.Count / 2;
        var (first, second) = (MainRuns.LoraSettings with { Rows = half, Steps = laboratory.ShortSteps }, MainRuns.LoraSettings with { Target = "qv", Rank = 8, Steps = laboratory.ShortSteps });
        using var model = laboratory.Load();
        var before = BaseTensors.Fingerprint(model.Decoder.Slots).Weights;
        var many = model.HoldAdapters();
        foreach (var (name, settings) in new[] { ("first", first), ("second", second) })
            laboratory.Train(settings, (trained, _) => AdapterValues.Of(trained.Adapter!)).Observed.CopyTo(many.Add(name, LectureLaboratory.ConfigOf(settings)));
        double Loss(params string[] stack)
        {
            many.Use(stack);
            return laboratory.HeldOutLoss(model);
        }

        var figures = new Figures
        {
            ["adapters"] = many.Names.Count,
            ["adapters_mb"] = many.Bytes / 1e6,
            ["base_mb"] = model.ParameterCount * 4 / 1e6,
            ["loss_base"] = Loss(),
            ["loss_first"] = Loss("first"),
            ["loss_second"] = Loss("second"),
            ["loss_both"] = Loss("first", "second"),
            ["mixed_difference"] = MixedDifference(model, many),
        };
        model.Detach();
        figures["base_same"] = BaseTensors.Fingerprint(model.Decoder.Slots).Weights == before ? 1 : 0;
        return figures;
    }

    // Each row of a mixed batch must be as with its adapter alone; adding both updates is another matter, for each was learned without the other.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["mixed_difference"] < 1e-3 && figures["base_same"] == 1 && figures["loss_first"] < figures["loss_base"] && figures["loss_second"] < figures["loss_base"],
        exactly: figures["loss_both"] < Math.Min(figures["loss_first"], figures["loss_second"]));

    // The largest difference of a logit between a batch whose rows use the first adapter, none and the second, and the same batch with one of them for all rows.
    private static double MixedDifference(LanguageModel model, AdapterCollection many)
    {
        string?[] rows = ["first", null, "second", "first"];
        var ids = Enumerable.Range(0, rows.Length * RowLength).Select(i => 3 + i * 37L % (model.Decoder.Spec.VocabularySize - 3)).ToArray();
        using var noGrad = no_grad();
        float[] Logits()
        {
            using var scope = NewDisposeScope();
            using var input = DecoderInput.Padded(ids, rows.Length, model.Decoder.Device);
            return model.Decoder.Logits(model.Decoder.Hidden(input)).to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        }

        many.UseRows(rows);
        var mixed = Logits();
        var size = mixed.Length / rows.Length;
        var largest = 0.0;
        foreach (var name in rows.Distinct())
        {
            many.Use(name is null ? [] : [name]);
            var alone = Logits();
            for (var row = 0; row < rows.Length; row++)
                if (rows[row] == name)
                    for (var i = row * size; i < (row + 1) * size; i++) largest = Math.Max(largest, Math.Abs(alone[i] - mixed[i]));
        }
        return largest;
    }
}
