namespace LowRank.Adapters;

/// <summary>
/// Names for the usual choices of targets, for any family: <c>qv</c>, <c>qkv</c> (a fused projection counts as all of its parts),
/// <c>attention</c> (every linear layer of the attention blocks) and <c>mlp</c> (every linear layer of the feed-forward blocks).
/// They exist on LowRank's command line and in its API; a saved configuration holds the names that they stand for.
/// </summary>
public static class TargetPresets
{
    // The parts of dotted names by which the families call these blocks and projections.
    private static readonly string[] AttentionBlocks = ["self_attn", "attn", "attention", "self_attention"];
    private static readonly string[] FeedForwardBlocks = ["mlp", "feed_forward", "block_sparse_moe", "ffn"];
    private static readonly string[] FusedProjections = ["qkv_proj", "query_key_value", "c_attn", "Wqkv"];
    private static readonly string[] QueryAndValue = ["q_proj", "v_proj", "query", "value", .. FusedProjections];
    private static readonly string[] QueryKeyAndValue = ["k_proj", "key", .. QueryAndValue];

    private static readonly Dictionary<string, Func<string[], bool>> Table = new(StringComparer.OrdinalIgnoreCase)
    {
        ["qv"] = parts => QueryAndValue.Contains(parts[^1]),
        ["qkv"] = parts => QueryKeyAndValue.Contains(parts[^1]),
        ["attention"] = parts => parts.AsSpan(0, parts.Length - 1).ContainsAny(AttentionBlocks),
        ["mlp"] = parts => parts.AsSpan(0, parts.Length - 1).ContainsAny(FeedForwardBlocks),
    };

    /// <summary>The names of the presets.</summary>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Whether a text is the name of a preset, in any case.</summary>
    /// <param name="text">The text.</param>
    public static bool IsPreset(string text) => Table.ContainsKey(text);

    /// <summary>The names that a preset stands for in a model, as short as they can be; empty where the model has no such modules.</summary>
    /// <param name="preset">One of <see cref="Names"/>.</param>
    /// <param name="modules">The modules of the model.</param>
    /// <exception cref="LoraConfigException">There is no such preset.</exception>
    public static IReadOnlyList<string> Expand(string preset, IReadOnlyList<AdaptableModule> modules)
    {
        if (!Table.TryGetValue(preset, out var belongs))
            throw new LoraConfigException($"\"{preset}\" is no preset; there are {string.Join(", ", Names)}.");
        var chosen = modules.ToLookup(m => m.IsInAllLinear && belongs(m.Name.Split('.')), m => m.Name);
        return chosen[true].Any() ? MinimalSuffixes.Of([.. chosen[true]], chosen[false]) : [];
    }

    private static bool ContainsAny(this Span<string> parts, string[] names)
    {
        foreach (var part in parts)
            if (names.Contains(part)) return true;
        return false;
    }
}
