using System.Globalization;
using System.Text.RegularExpressions;

namespace LowRank.Models.Export;

/// <summary>
/// The parts of a model's name that GGUF tells apart, read out of the name of its folder: <c>SmolLM2-135M-Instruct</c> is a <c>SmolLM2</c> of size <c>135M</c>, fine-tuned as <c>Instruct</c>.
/// The rules are those of gguf-py 0.19 (<c>metadata.py</c>, <c>get_model_id_components</c>).
/// </summary>
internal sealed partial class GgufModelName
{
    private GgufModelName(string title) => Title = title;

    /// <summary>The whole name in words.</summary>
    public string Title { get; }

    /// <summary>The model's own name, or null.</summary>
    public string? BaseName { get; private init; }

    /// <summary>What it was tuned as, or null.</summary>
    public string? FineTune { get; private init; }

    /// <summary>Its version, or null.</summary>
    public string? Version { get; private init; }

    /// <summary>Its size, or null.</summary>
    public string? SizeLabel { get; private init; }

    /// <summary>Takes a name apart.</summary>
    /// <param name="name">The name of a folder or file.</param>
    /// <param name="parameters">Parameters of the model, or null for an adapter.</param>
    public static GgufModelName Of(string name, long? parameters)
    {
        // A sentence is no name made of parts.
        if (name.Contains(' ', StringComparison.Ordinal)) return new GgufModelName(Words(name));
        var parts = name.Split('-', StringSplitOptions.RemoveEmptyEntries);
        var kinds = new string?[parts.Length];
        for (var i = 0; i < parts.Length; i++) (parts[i], kinds[i]) = Classify(parts[i], i, parameters);
        // Sizes in words count only where there is none in numbers.
        if (parts.Where((_, i) => kinds[i] == Size).Any(p => p.Any(char.IsAsciiDigit)))
            for (var i = 0; i < parts.Length; i++)
                if (kinds[i] == Size && parts[i].All(char.IsAsciiLetter)) kinds[i] = null;
        // The name proper goes on over plain words and versions; a version at the end of all is not part of it.
        var end = 0;
        while (end < parts.Length && (kinds[end] == VersionKind || kinds[end] is null && char.IsLetter(parts[end][0]))) end++;
        for (var i = end; i < parts.Length; i++) kinds[i] ??= Tuned;
        var proper = end;
        while (end == parts.Length && proper > 0 && kinds[proper - 1] == VersionKind) proper--;
        for (var i = 0; i < proper; i++) kinds[i] = Proper;
        var (size, tuned, version) = (Joined(Size, distinct: true), Joined(Tuned), Joined(VersionKind));
        // With nothing beside it, a name says too little.
        var known = size is not null || tuned is not null || version is not null;
        return new GgufModelName(Words(name)) { BaseName = known ? Joined(Proper) : null, FineTune = tuned, Version = version, SizeLabel = size };

        string? Joined(string kind, bool distinct = false)
        {
            var chosen = parts.Where((_, i) => kinds[i] == kind);
            return string.Join('-', distinct ? chosen.Distinct() : chosen) is { Length: > 0 } text ? text : null;
        }
    }

    /// <summary>A size label for a number of parameters, with two digits at least: <c>135M</c>, <c>1.7B</c>.</summary>
    public static string LabelOf(long parameters)
    {
        var (scaled, suffix) = parameters switch { > 1_000_000_000_000 => (parameters * 1e-12, "T"), > 1_000_000_000 => (parameters * 1e-9, "B"), > 1_000_000 => (parameters * 1e-6, "M"), _ => (parameters * 1e-3, "K") };
        var digits = Math.Round(scaled).ToString(CultureInfo.InvariantCulture).TrimStart('0').Length;
        return scaled.ToString("F" + Math.Max(2 - digits, 0), CultureInfo.InvariantCulture) + suffix;
    }

    private const string Size = "size", Tuned = "tuned", VersionKind = "version", Proper = "proper", Quantization = "type";

    private static (string Part, string? Kind) Classify(string part, int place, long? parameters)
    {
        if (VersionPattern().IsMatch(part)) return (part, VersionKind);
        if (QuantizationPattern().IsMatch(part)) return (part.ToUpperInvariant(), Quantization);
        if (place == 0) return (part, null);
        if (SizePattern().IsMatch(part))
        {
            part = Normalized(part);
            // A number far from the model's own is something else, such as a length of context.
            if (parameters is { } own && Number(part) is { } told && Math.Abs(told - own) > 7 * own / 8) return (part[..^1] + char.ToLowerInvariant(part[^1]), Tuned);
            return (part, Size);
        }
        if (!TunedPattern().IsMatch(part)) return (part, null);
        return (part, parameters is null && part.Equals("lora", StringComparison.OrdinalIgnoreCase) ? Quantization : Tuned);
    }

    private static string Normalized(string label)
    {
        label = label.Replace('_', '.');
        if (char.IsAsciiDigit(label[^1])) label = label[..^2] + "." + label[^1] + label[^2]; // 7b1
        return label.Length > 1 && char.IsAsciiDigit(label[^2]) && label[^1] is 'k' or 'm' or 'b' or 't' ? label[..^1] + char.ToUpperInvariant(label[^1]) : label;
    }

    private static double? Number(string label) => "KMBT".IndexOf(label[^1]) is >= 0 and var power && double.TryParse(label.AsSpan(0, label.Length - 1), CultureInfo.InvariantCulture, out var n) ? n * Math.Pow(1000, power + 1) : null;

    // Words in small letters get a capital, versions and numbers do not.
    private static string Words(string name) => string.Join(' ', name.Trim().Replace('-', ' ').Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w =>
        w.Any(char.IsLower) && !w.Any(char.IsUpper) && !NoWordPattern().IsMatch(w) ? CultureInfo.InvariantCulture.TextInfo.ToTitleCase(w) : w));

    [GeneratedRegex(@"^(v|iter)?[0-9]+([.][0-9]+)*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"^(i?q[0-9](_\w)*|b?fp?(16|32))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex QuantizationPattern();

    [GeneratedRegex(@"^((a|[0-9]+x)?[0-9]+([._][0-9]+)?[kmbt][0-9]?|small|mini|medium|large|x?xl)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SizePattern();

    [GeneratedRegex("^(chat|instruct|vision|lora)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TunedPattern();

    [GeneratedRegex(@"^(v[0-9]+(?:\.[0-9]+)*|[0-9].*)$", RegexOptions.CultureInvariant)]
    private static partial Regex NoWordPattern();
}
