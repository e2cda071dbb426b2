namespace LowRank.Adapters;

/// <summary>
/// Says a long list of module names with few dotted endings: <c>q_proj</c> for the q_proj of every layer. The same endings as PEFT finds
/// (<c>tuners_utils.py</c>, <c>_find_minimal_target_modules</c>), in the order of the modules.
/// </summary>
internal static class MinimalSuffixes
{
    /// <summary>The shortest endings that cover all <paramref name="targets"/> and none of the <paramref name="others"/>.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<string> targets, IEnumerable<string> others)
    {
        var taken = others.SelectMany(Suffixes).ToHashSet(StringComparer.Ordinal);
        var required = new List<string>();
        foreach (var target in targets)
            foreach (var suffix in Suffixes(target))
            {
                if (taken.Contains(suffix)) continue;
                if (!required.Contains(suffix) && !required.Any(r => target.EndsWith("." + r, StringComparison.Ordinal))) required.Add(suffix);
                break;
            }
        return required.Count > 0 ? required : targets;
    }

    /// <summary>The endings of a dotted name, the shortest first: <c>q_proj</c>, <c>self_attn.q_proj</c>, …</summary>
    private static IEnumerable<string> Suffixes(string name)
    {
        for (var dot = name.LastIndexOf('.'); dot >= 0; dot = dot > 0 ? name.LastIndexOf('.', dot - 1) : -1)
            yield return name[(dot + 1)..];
        yield return name;
    }
}
