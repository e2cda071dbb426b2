using System.Globalization;

namespace LowRank.Formats;

/// <summary>Names of Hugging Face tensors for the tensors of a GGUF file.</summary>
internal static class GgufNames
{
    /// <summary>Factors of llama3 rope scaling: part of the configuration, not a weight (<see cref="GgufRopeScaling"/>).</summary>
    public const string RopeFactors = "rope_freqs.weight";

    /// <summary>Factors of longrope within the original context, likewise.</summary>
    public const string ShortRopeFactors = "rope_factors_short.weight";

    /// <summary>Factors of longrope beyond it.</summary>
    public const string LongRopeFactors = "rope_factors_long.weight";

    /// <summary>The untied output matrix.</summary>
    public const string Output = "output.weight";

    /// <summary>The token embedding.</summary>
    public const string Embedding = "token_embd.weight";

    /// <summary>Whether a tensor belongs to the configuration.</summary>
    public static bool IsRopeFactors(string name) => name is RopeFactors or ShortRopeFactors or LongRopeFactors;

    /// <summary>The Hugging Face name of a GGUF tensor, with <c>{0}</c> for the number of an expert; null where the architecture has no such tensor.</summary>
    public static string? ToHuggingFace(GgufArchitecture architecture, string name)
    {
        var parts = name.Split('.');
        if (parts is ["blk", var layer, var module, "weight" or "bias"])
            return int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && architecture.LayerNames.TryGetValue(module, out var target)
                ? string.Create(CultureInfo.InvariantCulture, $"{architecture.Layers}.{n}.{target}.{parts[3]}") : null;
        if (parts is not [var top, "weight" or "bias"]) return null;
        var found = top switch { "token_embd" => architecture.Embedding, "position_embd" => architecture.Positions, "output_norm" => architecture.FinalNorm, "output" => "lm_head", _ => null };
        return found is null ? null : $"{found}.{parts[1]}";
    }

    /// <summary>True for a matrix of a layer, which some families store transposed.</summary>
    public static bool IsLayerMatrix(TensorInfo tensor) => tensor.Shape.Length == 2 && tensor.Name.StartsWith("blk.", StringComparison.Ordinal);

    /// <summary>The GGUF name of a Hugging Face tensor, or null where the architecture has no such tensor.</summary>
    public static string? FromHuggingFace(GgufArchitecture architecture, string name)
    {
        if (name == $"{architecture.Embedding}.weight") return Embedding;
        if (name == $"{architecture.FinalNorm}.weight") return "output_norm.weight";
        if (name == "lm_head.weight") return Output;
        var layers = architecture.Layers + ".";
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
