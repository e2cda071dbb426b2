namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>With which bytes a match can begin: lets the matcher pass over places and alternatives that cannot match.</summary>
internal static class RegexFirstBytes
{
    /// <summary>A table by byte, or null when a match can be empty, so that nothing is known of its first byte.</summary>
    public static bool[]? Of(RegexNode node) => Collect(node) is var (bytes, nullable) && !nullable ? bytes : null;

    private static (bool[] Bytes, bool Nullable) Collect(RegexNode node)
    {
        switch (node)
        {
            case RegexNode.Set s:
                var bytes = new bool[256];
                for (var b = 0; b < 256; b++) bytes[b] = b >= 128 || s.Members.Contains(b);
                return (bytes, false);
            case RegexNode.Concat c:
                var all = new bool[256];
                foreach (var item in c.Items)
                {
                    var (some, nullable) = Collect(item);
                    Join(all, some);
                    if (!nullable) return (all, false);
                }
                return (all, true);
            case RegexNode.Alternate a:
                var either = new bool[256];
                var empty = false;
                foreach (var item in a.Items)
                {
                    var (some, nullable) = Collect(item);
                    Join(either, some);
                    empty |= nullable;
                }
                return (either, empty);
            case RegexNode.Repeat r:
                var (repeated, optional) = Collect(r.Item);
                return (repeated, optional || r.Min == 0);
            case RegexNode.Atomic t: return Collect(t.Item);
            default: return (new bool[256], true);
        }
    }

    private static void Join(bool[] into, bool[] other)
    {
        for (var b = 0; b < 256; b++) into[b] |= other[b];
    }
}
