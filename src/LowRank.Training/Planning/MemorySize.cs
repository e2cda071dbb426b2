using System.Globalization;

namespace LowRank.Training.Planning;

/// <summary>Amounts of memory as people write them: <c>8GB</c> and <c>8 G</c> are 8·10⁹ bytes, <c>8GiB</c> is 8·2³⁰, <c>500MB</c>, <c>12345</c> bytes.</summary>
public static class MemorySize
{
    private static readonly (string Unit, double Bytes)[] Units =
    [
        ("kib", 1L << 10), ("mib", 1L << 20), ("gib", 1L << 30), ("tib", 1L << 40), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("tb", 1e12),
        ("k", 1e3), ("m", 1e6), ("g", 1e9), ("t", 1e12), ("b", 1),
    ];

    /// <summary>Reads an amount.</summary>
    /// <param name="text">A number with or without a unit.</param>
    /// <returns>Bytes; null where the text is no positive amount.</returns>
    public static long? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim().ToLowerInvariant();
        var factor = 1.0;
        foreach (var (unit, bytes) in Units)
        {
            if (!trimmed.EndsWith(unit, StringComparison.Ordinal)) continue;
            (trimmed, factor) = (trimmed[..^unit.Length].TrimEnd(), bytes);
            break;
        }
        return double.TryParse(trimmed, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0 && number * factor is >= 1 and < long.MaxValue ? (long)(number * factor) : null;
    }

    /// <summary>Reads an amount.</summary>
    /// <param name="text">A number with or without a unit.</param>
    /// <param name="option">What it belongs to, for the message.</param>
    /// <exception cref="LowRankException">The text is no positive amount.</exception>
    public static long Parse(string text, string option) =>
        TryParse(text) ?? throw new LowRankException($"{option}: \"{text}\" is no amount of memory; write such as 8GB (10⁹ bytes), 8GiB (2³⁰) or 500MB.");

    /// <summary>An amount in GB of 10⁹ bytes, in MB below one: <c>13.48 GB</c>, <c>33.6 MB</c>.</summary>
    public static string Gigabytes(long bytes) => bytes switch
    {
        >= 100_000_000_000 => FormattableString.Invariant($"{bytes / 1e9:0} GB"),
        >= 1_000_000_000 => FormattableString.Invariant($"{bytes / 1e9:0.00} GB"),
        >= 1_000_000 => FormattableString.Invariant($"{bytes / 1e6:0.0} MB"),
        >= 1_000 => FormattableString.Invariant($"{bytes / 1e3:0.0} kB"),
        _ => FormattableString.Invariant($"{bytes} B"),
    };

    /// <summary>An amount in GiB of 2³⁰ bytes, in MiB below one.</summary>
    public static string Gibibytes(long bytes) => bytes switch
    {
        >= 1L << 30 => FormattableString.Invariant($"{bytes / (double)(1L << 30):0.00} GiB"),
        >= 1L << 20 => FormattableString.Invariant($"{bytes / (double)(1L << 20):0.0} MiB"),
        >= 1L << 10 => FormattableString.Invariant($"{bytes / (double)(1L << 10):0.0} KiB"),
        _ => FormattableString.Invariant($"{bytes} B"),
    };
}
