using CsCheck;
using LowRank.Models.Generation;

namespace LowRank.Models.Tests.Generation;

/// <summary>The choice of a token against a plain computation of the chances.</summary>
public sealed class TokenChooserTests
{
    private static readonly Gen<float[]> Logits = Gen.Float[-8, 8].Array[1, 40];

    [Fact]
    public void Greedy_takes_the_first_of_the_largest() => Logits.Sample(logits =>
    {
        var chooser = new TokenChooser(new GenerationOptions(), 0, 0, []);
        Assert.Equal(Array.IndexOf(logits, logits.Max()), chooser.Choose(logits));
    });

    [Fact]
    public void Outputs_that_are_no_numbers_are_an_error()
    {
        var chooser = new TokenChooser(new GenerationOptions(), 0, 0, []);
        Assert.Throws<LowRankException>(() => chooser.Choose(Enumerable.Repeat(float.NaN, 20).ToArray()));
        Assert.Throws<LowRankException>(() => chooser.Choose(Enumerable.Repeat(float.NegativeInfinity, 20).ToArray()));
    }

    [Fact]
    public void Tokens_come_as_often_as_their_chances_say()
    {
        // Well apart: which of two equal tokens stands at the border of a filter is not specified.
        Gen.Select(Logits.Select(l => l.DistinctBy(x => MathF.Round(x, 2)).ToArray()).Where(l => l.Order().Zip(l.Order().Skip(1), (a, b) => b - a).All(d => d > 1e-3)), Gen.Double[0.3, 2], Gen.Int[0, 12], Gen.Double[0.05, 1], Gen.Double[0, 0.5], Gen.Int[0, 1000]).Sample((logits, temperature, topK, topP, minP, seed) =>
        {
            var options = new GenerationOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
            var want = Chances(logits, options);
            var chooser = new TokenChooser(options, seed, 0, []);
            const int draws = 400;
            var got = new int[logits.Length];
            for (var i = 0; i < draws; i++) got[chooser.Choose(logits)]++;
            for (var id = 0; id < logits.Length; id++)
            {
                if (want[id] == 0) Assert.Equal(0, got[id]);
                // Six standard deviations and a token: never by chance in as many trials as are made here.
                Assert.InRange(got[id], draws * want[id] - 6 * Math.Sqrt(draws * want[id]) - 1, draws * want[id] + 6 * Math.Sqrt(draws * want[id]) + 1);
            }
        }, iter: 200);
    }

    [Fact]
    public void Tokens_that_occurred_are_made_less_likely()
    {
        var chooser = new TokenChooser(new GenerationOptions { RepetitionPenalty = 2 }, 0, 0, [3]);
        float[] Logits() => [-1, 1, 1.5f, 2.5f];
        Assert.Equal(2, chooser.Choose(Logits()));
        Assert.Equal(3, chooser.Choose(Logits()));
        float[] negative = [-1, -3, -3, -3];
        Assert.Equal(0, chooser.Choose(negative));
        // The prompt's token was divided once, not once for each time that it occurred.
        float[] again = [-1, -3, 3, 3.5f];
        Assert.Equal(3, chooser.Choose(again));
        Assert.Equal(1.75f, again[3]);
    }

    // As transformers' warpers one after another.
    private static double[] Chances(float[] logits, GenerationOptions options)
    {
        var order = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ToList();
        if (options.TopK > 0) order = [.. order.Take(options.TopK)];
        var weights = order.ToDictionary(i => i, i => Math.Exp((logits[i] - logits[order[0]]) / options.Temperature));
        var (total, sum) = (weights.Values.Sum(), 0.0);
        if (options.TopP < 1)
            order = [.. order.TakeWhile(i =>
            {
                var before = sum;
                sum += weights[i];
                return before < options.TopP * total;
            })];
        order = [.. order.Where(i => weights[i] >= options.MinP)];
        var kept = order.Sum(i => weights[i]);
        return [.. Enumerable.Range(0, logits.Length).Select(i => order.Contains(i) ? weights[i] / kept : 0)];
    }
}
