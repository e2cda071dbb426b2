using System.Globalization;

namespace LowRank.Training.Comparison;

/// <summary>
/// The learning rates that cells try. An adapter wants rates 10 to 20 times those of full fine-tuning, so what is written holds for adapters, and full takes a twentieth of
/// it, unless the text has a list of its own for it.
/// </summary>
internal sealed class LearningRateGrid
{
    /// <summary>What full fine-tuning's rates are to an adapter's.</summary>
    public const double FullShare = 1.0 / 20;

    private readonly Dictionary<string, IReadOnlyList<double>> byMethod = new(StringComparer.Ordinal);

    private LearningRateGrid()
    {
    }

    /// <summary>Reads <c>1e-4,1e-3</c>, <c>1e-4,1e-3 full:2e-5</c> or <c>lora:1e-4 qlora:2e-4 full:2e-5</c>.</summary>
    /// <exception cref="LowRankException">A rate is not a number above 0.</exception>
    public static LearningRateGrid Parse(string text)
    {
        var grid = new LearningRateGrid();
        foreach (var part in text.Split((char[])[' ', ';'], StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf(':', StringComparison.Ordinal);
            grid.byMethod[at < 0 ? "" : part[..at]] = [.. part[(at + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Rate).Distinct().Order()];
        }
        return grid.byMethod.Values.Any(rates => rates.Count > 0) ? grid : throw new LowRankException("--lr-grid has no learning rate; expected such as 1e-4,3e-4,1e-3");
    }

    /// <summary>The rates of a method, ascending.</summary>
    /// <exception cref="LowRankException">There are none for it.</exception>
    public IReadOnlyList<double> For(string method)
    {
        if (byMethod.TryGetValue(method, out var own) && own.Count > 0) return own;
        if (!byMethod.TryGetValue("", out var all) || all.Count == 0) throw new LowRankException($"--lr-grid has no learning rates for {method}; add {method}:1e-4,1e-3, or rates without a method for all others");
        return method == "full" ? [.. all.Select(rate => rate * FullShare)] : all;
    }

    private static double Rate(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) && double.IsFinite(rate) && rate > 0 ? rate
            : throw new LowRankException($"--lr-grid: \"{text}\" is not a learning rate; expected numbers above 0 by comma, such as 1e-4,3e-4,1e-3");
}
