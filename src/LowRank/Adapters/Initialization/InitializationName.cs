using System.Globalization;

namespace LowRank.Adapters.Initialization;

/// <summary>The texts of PEFT's <c>init_lora_weights</c> that are no boolean.</summary>
internal static class InitializationName
{
    private const string Fast = "pissa_niter_";

    private static readonly (string Name, LoraInitialization Value)[] Names =
        [("gaussian", LoraInitialization.Gaussian), ("pissa", LoraInitialization.Pissa), ("olora", LoraInitialization.OLora), ("orthogonal", LoraInitialization.Orthogonal)];

    /// <summary>All texts, for messages.</summary>
    public static string All => $"{string.Join(", ", Names.Select(n => $"\"{n.Name}\""))} and \"{Fast}N\"";

    /// <summary>What a text means; null for one that is not known. Iterations are those of the fast decomposition of PiSSA.</summary>
    public static (LoraInitialization Kind, int? Iterations)? Parse(string text)
    {
        if (text.StartsWith(Fast, StringComparison.Ordinal)) return int.TryParse(text.AsSpan(Fast.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? (LoraInitialization.Pissa, count) : null;
        // PEFT compares these two without regard to case.
        var known = text.ToLowerInvariant() is "gaussian" or "olora" ? text.ToLowerInvariant() : text;
        return Array.Find(Names, n => n.Name == known) is { Name: not null } found ? (found.Value, null) : null;
    }

    /// <summary>Why a text is not taken.</summary>
    public static string Refusal(string text) => text == "loftq"
        ? "\"loftq\" is not supported yet: it quantizes the weights anew while the adapter is made, from their 16 bits, but a base is quantized here while it is loaded and never rewritten. A pissa or olora start does without"
        : $"\"{text}\" is not supported yet (true, false, {All} are)";

    /// <summary>The text of a configuration; null where PEFT has a boolean.</summary>
    public static string? Of(LoraConfig config) => config.PissaIterations is { } count ? string.Create(CultureInfo.InvariantCulture, $"{Fast}{count}")
        : Array.Find(Names, n => n.Value == config.Initialization).Name;
}
