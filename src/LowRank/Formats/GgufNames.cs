using System.Globalization;

namespace LowRank.Formats;

/// <summary>Names of Hugging Face tensors for the tensors of a GGUF file.</summary>
internal static class GgufNames
{
    /// <summary>Factors of llama3 rope scaling: part of the configuration, not a weight (<see cref="GgufRopeScaling"/>).</summary>
    public const string RopeFactors = "rope_freqs.weight";

    /// <summary>The untied output matrix.</summary>
    public const string Output = "output.weight";

    /// <summary>The token embedding.</summary>
    public const string Embedding = "token_embd.weight";

    /// <summary>The Hugging Face name of a GGUF tensor, or null where the architecture has no such tensor.</summary>
    public static string? ToHuggingFace(GgufArchitecture architecture, string name)
    {
        switch (name)
        {
            case Embedding: return "model.embed_tokens.weight";
            case "output_norm.weight": return "model.norm.weight";
            case Output: return "lm_head.weight";
        }
        var parts = name.Split('.');
        return parts is ["blk", var layer, var module, "weight" or "bias"] && int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            && architecture.LayerNames.TryGetValue(module, out var target)
            ? string.Create(CultureInfo.InvariantCulture, $"model.layers.{n}.{target}.{parts[3]}") : null;
    }

    /// <summary>The GGUF name of a Hugging Face tensor, or null where the architecture has no such tensor.</summary>
    public static string? FromHuggingFace(GgufArchitecture architecture, string name)
    {
        switch (name)
        {
            case "model.embed_tokens.weight": return Embedding;
            case "model.norm.weight": return "output_norm.weight";
            case "lm_head.weight": return Output;
        }
        const string layers = "model.layers.";
        if (!name.StartsWith(layers, StringComparison.Ordinal)) return null;
        var (start, end) = (name.IndexOf('.', layers.Length), name.LastIndexOf('.'));
        return start > 0 && end > start && name[(end + 1)..] is "weight" or "bias" && int.TryParse(name.AsSpan(layers.Length, start - layers.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            && architecture.NameOf(name[(start + 1)..end]) is { } module
            ? string.Create(CultureInfo.InvariantCulture, $"blk.{n}.{module}.{name[(end + 1)..]}") : null;
    }

    /// <summary>True for the norms that llama.cpp stores one higher (Gemma).</summary>
    public static bool IsNorm(string name) => name.EndsWith("norm.weight", StringComparison.Ordinal);

    /// <summary>True for the rows of q, false for those of k, null for tensors whose rows are never interleaved.</summary>
    public static bool? IsQuery(string name) => name.Contains(".attn_q.", StringComparison.Ordinal) ? true : name.Contains(".attn_k.", StringComparison.Ordinal) ? false : null;
}
