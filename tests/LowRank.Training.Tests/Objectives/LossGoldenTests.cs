using System.Text.Json;
using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Objectives;
using LowRank.Training.Objectives.Kto;
using LowRank.Training.Objectives.Preferences;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Objectives;

/// <summary>fixtures/numerics/losses: values and gradients of TRL's formulas in fp64, by the code that trains: the states are the golden's logits, and the head hands on a copy, which the kernels write over.</summary>
public sealed class LossGoldenTests
{
    private static readonly string File = Golden.At("numerics", "losses", "cases.json");

    private static JsonElement[] All => System.IO.File.Exists(File) ? [.. JsonElement.Parse(System.IO.File.ReadAllBytes(File)).GetProperty("cases").EnumerateArray()] : [];

    private static IEnumerable<TheoryDataRow<string>> Cases(string kind, Func<JsonElement, bool> which, Func<string, string?>? skip = null) =>
        Golden.Cases("numerics/losses/" + kind, All.Where(which).Select(c => c.GetProperty("id").GetString()!), skip);

    public static IEnumerable<TheoryDataRow<string>> CrossEntropies => Cases("cross-entropy", c => Kind(c) == "cross_entropy", id => id == "ce_all_ignored" ? "a batch without labels is refused before the loss" : null);

    public static IEnumerable<TheoryDataRow<string>> Preferences => Cases("preferences", c => Kind(c) is not ("cross_entropy" or "kto"));

    public static IEnumerable<TheoryDataRow<string>> Judgements => Cases("kto", c => Kind(c) == "kto");

    private static string Kind(JsonElement c) => c.GetProperty("kind").GetString()!;

    private static (JsonElement Case, GoldenTensors Tensors, double Absolute, double Relative) Load(string id)
    {
        var found = All.Single(c => c.GetProperty("id").GetString() == id);
        var tolerance = found.GetProperty("tolerance");
        return (found, new GoldenTensors(Golden.At("numerics", "losses", "cases.safetensors")), tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
    }

    private static double Number(JsonElement c, string name, double standard) => c.TryGetProperty(name, out var value) ? value.GetDouble() : standard;

    [Theory, Trait("Category", "Golden"), MemberData(nameof(CrossEntropies))]
    public void Cross_entropy(string id)
    {
        var (golden, tensors, absolute, relative) = Load(id);
        using var scope = NewDisposeScope();
        var (logits, labels) = (tensors.Floats("ce.logits"), tensors.Longs("ce.labels"));
        long[] shape = tensors.Shape("ce.logits");
        var batch = BatchOf(labels, labels, (int)shape[0]);
        var tokens = BatchTokens.Of(batch);
        var states = tensor(logits, [shape[0] * shape[1], shape[2]]).index_select(0, tensor(tokens.Places));
        var divisor = golden.GetProperty("reduction").GetString() switch { "mean" => tokens.Targets.Length, "sum" => 1, _ => golden.GetProperty("num_items").GetInt32() };
        var (loss, gradient) = ChunkedCrossEntropy.LossAndGradient(states, tensor(tokens.Targets), shape[2], h => h.clone(), 1.0 / divisor, Number(golden, "label_smoothing", 0));
        AssertNear(golden.GetProperty("loss").GetDouble(), loss / divisor, absolute, relative);
        AssertNear(tensors.Floats(id + ".grad"), Scattered(gradient, tokens, shape), absolute, relative);
    }

    [Theory, Trait("Category", "Golden"), MemberData(nameof(Preferences))]
    public void Preference(string id)
    {
        var (golden, tensors, absolute, relative) = Load(id);
        using var scope = NewDisposeScope();
        var (ids, mask) = (tensors.Longs("pref.input_ids"), tensors.Longs("pref.completion_mask"));
        long[] shape = tensors.Shape("pref.policy");
        var batch = BatchOf(ids, [.. ids.Zip(mask, (t, m) => m == 1 ? t : Batch.IgnoredLabel)], (int)shape[0]) with { SequenceIds = tensors.Longs("pref.attention_mask"), Pairs = (int)shape[0] / 2 };
        var options = new ObjectiveOptions
        {
            Kind = Kind(golden) switch { "dpo" => ObjectiveKind.Dpo, "orpo" => ObjectiveKind.Orpo, _ => ObjectiveKind.SimPo },
            DpoLoss = golden.TryGetProperty("loss_type", out var form) ? Enum.Parse<DpoLoss>(form.GetString()!, ignoreCase: true) : DpoLoss.Sigmoid,
            Beta = golden.GetProperty("beta").GetDouble(),
            Gamma = Number(golden, "gamma", 0.5),
            AnswerWeight = Number(golden, "cpo_alpha", 0),
            LabelSmoothing = Number(golden, "label_smoothing", 0),
        };
        var loss = new PreferenceLoss(options);
        var tokens = loss.Tokens(batch);
        var totals = loss.Totals([batch]);
        var reference = tensors.Floats("pref.reference_logps");
        (double, double)[] references = [.. Enumerable.Range(0, batch.Pairs).Select(p => ((double)reference[p], (double)reference[batch.Pairs + p]))];
        var states = tensor(tensors.Floats("pref.policy"), [shape[0] * shape[1], shape[2]]).index_select(0, tensor(tokens.Places));
        // A frozen head takes one pass over the logits, a trained one two: both give the same.
        foreach (var isHeadTrained in new[] { false, true })
        {
            var (judged, gradient) = loss.Gradient(states, batch, tokens, references, totals, shape[2], h => h.clone(), isHeadTrained);
            AssertNear(golden.GetProperty("loss").GetDouble(), loss.Sum(judged, totals) / totals.Terms, absolute, relative);
            AssertNear(tensors.Floats(id + ".grad"), Scattered(gradient, tokens, shape), absolute, relative);
            // The golden's own sums of log-probabilities, by the mask.
            if (options.Kind == ObjectiveKind.Dpo && options.DpoLoss == DpoLoss.Sigmoid)
            {
                var logps = tensors.Floats("pref.logps");
                Assert.Equal(options.Beta * Enumerable.Range(0, batch.Pairs).Average(p => logps[p] - (double)reference[p]), judged.Sums.ChosenReward / batch.Pairs, 1e-5);
            }
        }
    }

    // The first half of the rows is desirable, the second is not; the reference point is given.
    [Theory, Trait("Category", "Golden"), MemberData(nameof(Judgements))]
    public void Judgement(string id)
    {
        var (golden, tensors, absolute, relative) = Load(id);
        using var scope = NewDisposeScope();
        var (ids, mask) = (tensors.Longs("pref.input_ids"), tensors.Longs("pref.completion_mask"));
        long[] shape = tensors.Shape("pref.policy");
        var rows = (int)shape[0];
        var batch = BatchOf(ids, [.. ids.Zip(mask, (t, m) => m == 1 ? t : Batch.IgnoredLabel)], rows) with { SequenceIds = tensors.Longs("pref.attention_mask") };
        var loss = new KtoLoss(new ObjectiveOptions { Kind = ObjectiveKind.Kto, Beta = golden.GetProperty("beta").GetDouble(), DesirableWeight = Number(golden, "desirable_weight", 1), UndesirableWeight = Number(golden, "undesirable_weight", 1) });
        var tokens = BatchTokens.Of(batch);
        var totals = new StepTotals(rows, Kl: golden.GetProperty("kl").GetDouble());
        bool[] areGood = [.. Enumerable.Range(0, rows).Select(row => row < rows / 2)];
        double[] references = [.. tensors.Floats("pref.reference_logps").Select(r => (double)r)];
        var states = tensor(tensors.Floats("pref.policy"), [shape[0] * shape[1], shape[2]]).index_select(0, tensor(tokens.Places));
        foreach (var isHeadTrained in new[] { false, true })
        {
            var (judged, gradient) = loss.Gradient(states, tokens, areGood, references, totals, shape[2], h => h.clone(), isHeadTrained);
            AssertNear(golden.GetProperty("loss").GetDouble(), judged.Loss / rows, absolute, relative);
            AssertNear(tensors.Floats(id + ".grad"), Scattered(gradient, tokens, shape), absolute, relative);
            Assert.Equal((rows / 2, rows - rows / 2), (judged.Sums.Good, judged.Sums.Bad));
        }
    }

    [Fact, Trait("Category", "Golden")]
    public void Neftune_noise_has_the_golden_magnitude()
    {
        Assert.SkipUnless(System.IO.File.Exists(File), $"absent: {File}");
        foreach (var golden in JsonElement.Parse(System.IO.File.ReadAllBytes(File)).GetProperty("neftune").GetProperty("cases").EnumerateArray())
        {
            var (alpha, length, hidden, magnitude) = (golden.GetProperty("alpha").GetDouble(), golden.GetProperty("length").GetInt64(), golden.GetProperty("hidden").GetInt64(), golden.GetProperty("magnitude").GetDouble());
            Assert.Equal(magnitude, EmbeddingNoise.Magnitude(alpha, length, hidden), 1e-12);
            if (length * hidden > 100_000) continue;
            using var scope = NewDisposeScope();
            var noise = new EmbeddingNoise(alpha, 1, 2, 3).AddTo(zeros(2, length, hidden)).data<float>().ToArray();
            // Of thousands of uniform draws the largest lies within a hundredth of the bound, and their mean near zero.
            Assert.InRange(noise.Max(Math.Abs), magnitude * 0.99, magnitude);
            Assert.InRange(noise.Average(), -magnitude * 0.05, magnitude * 0.05);
        }
    }

    private static Batch BatchOf(long[] ids, long[] labels, int rows) => new()
    {
        Rows = rows, Length = ids.Length / rows, InputIds = ids, Labels = labels, Positions = new long[ids.Length], SequenceIds = [.. ids.Select(_ => 1L)],
        SupervisedTokens = labels.Count(l => l != Batch.IgnoredLabel), Tokens = ids.Length, Examples = [.. Enumerable.Range(0, rows)], IsPacked = false,
    };

    private static float[] Scattered(Tensor gradient, BatchTokens tokens, long[] shape) =>
        zeros(shape[0] * shape[1], shape[2]).index_copy(0, tensor(tokens.Places), gradient).data<float>().ToArray();

    private static void AssertNear(double want, double got, double absolute, double relative) => Assert.InRange(got, want - absolute - relative * Math.Abs(want), want + absolute + relative * Math.Abs(want));

    private static void AssertNear(float[] want, float[] got, double absolute, double relative)
    {
        Assert.Equal(want.Length, got.Length);
        for (var i = 0; i < want.Length; i++)
            Assert.True(Math.Abs(got[i] - want[i]) <= absolute + relative * Math.Abs(want[i]), $"element {i}: got {got[i]}, want {want[i]}");
    }
}
