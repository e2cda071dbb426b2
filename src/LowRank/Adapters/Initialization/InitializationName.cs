using System.Globalization;

namespace LowRank.Adapters.Initialization;

/// <summary>The texts of PEFT's <c>init_lora_weights</c> that are no boolean.</summary>
internal static class InitializationName
{
    private const string Fast = "pissa_niter_";
    private const string LoftQ = "loftq";

    private static readonly (string Name, LoraInitialization Value)[] Names =
        [("gaussian", LoraInitialization.Gaussian), ("pissa", LoraInitialization.Pissa), ("olora", LoraInitialization.OLora), ("orthogonal", LoraInitialization.Orthogonal), ("eva", LoraInitialization.Eva), (LoftQ, LoraInitialization.LoftQ)];

    /// <summary>All texts that a file may have, for messages.</summary>
    public static string All => $"{string.Join(", ", Names.Where(n => n.Name != LoftQ).Select(n => $"\"{n.Name}\""))} and \"{Fast}N\"";

    /// <summary>What a text means; null for one that is not known. Iterations are those of the fast decomposition of PiSSA.</summary>
    public static (LoraInitialization Kind, int? Iterations)? Parse(string text)
    {
        if (text.StartsWith(Fast, StringComparison.Ordinal)) return int.TryParse(text.AsSpan(Fast.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? (LoraInitialization.Pissa, count) : null;
        // PEFT compares these two without regard to case.
        var known = text.ToLowerInvariant() is "gaussian" or "olora" ? text.ToLowerInvariant() : text;
        return Array.Find(Names, n => n.Name == known) is { Name: not null } found ? (found.Value, null) : null;
    }

    /// <summary>Why a text in a file is not taken; null for one that is.</summary>
    public static string? Refusal(string text) => text == LoftQ
        ? "\"loftq\" says that the adapter belongs on a base which was quantized together with it, and that PEFT computes anew; LowRank leaves a base as it is. A new adapter can start so: train --method qlora --init loftq, which is saved as a plain LoRA"
        : Parse(text) is null ? $"\"{text}\" is not supported yet (true, false, {All} are)" : null;

    /// <summary>The text of a configuration; null where PEFT has a boolean.</summary>
    public static string? Of(LoraConfig config) => config.PissaIterations is { } count ? string.Create(CultureInfo.InvariantCulture, $"{Fast}{count}")
        : Array.Find(Names, n => n.Value == config.Initialization).Name;
}
