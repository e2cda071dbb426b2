namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>What an assertion without text asks for.</summary>
internal enum AnchorKind
{
    TextStart,
    TextEnd,
    TextEndOrFinalNewline,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
}

/// <summary>How a repetition gives back what it took.</summary>
internal enum RepeatKind
{
    Greedy,
    Lazy,
    Possessive,
}

/// <summary>The parsed form of a regular expression.</summary>
internal abstract record RegexNode
{
    /// <summary>One code point of a set.</summary>
    internal sealed record Set(CodePointSet Members) : RegexNode;

    /// <summary>One after the other; nothing when empty.</summary>
    internal sealed record Concat(IReadOnlyList<RegexNode> Items) : RegexNode;

    /// <summary>The first that leads to a match.</summary>
    internal sealed record Alternate(IReadOnlyList<RegexNode> Items) : RegexNode;

    /// <summary>From <paramref name="Min"/> to <paramref name="Max"/> times (<see cref="int.MaxValue"/>: without limit).</summary>
    internal sealed record Repeat(RegexNode Item, int Min, int Max, RepeatKind Kind) : RegexNode;

    /// <summary>Looks ahead or behind without taking text.</summary>
    internal sealed record Look(RegexNode Item, bool Behind, bool Negative) : RegexNode;

    /// <summary>Gives nothing back once it matched.</summary>
    internal sealed record Atomic(RegexNode Item) : RegexNode;

    /// <summary>An assertion about the place.</summary>
    internal sealed record Anchor(AnchorKind Kind) : RegexNode;

    /// <summary>Number of code points that a match can have; <see cref="int.MaxValue"/> without limit.</summary>
    public (int Min, int Max) Lengths() => this switch
    {
        Set => (1, 1),
        Concat c => c.Items.Aggregate((Min: 0, Max: 0), (sum, n) => (sum.Min + n.Lengths().Min, Add(sum.Max, n.Lengths().Max))),
        Alternate a => (a.Items.Min(n => n.Lengths().Min), a.Items.Max(n => n.Lengths().Max)),
        Repeat r => (r.Item.Lengths().Min * r.Min, r.Max == int.MaxValue && r.Item.Lengths().Max > 0 ? int.MaxValue : Multiply(r.Item.Lengths().Max, r.Max)),
        Atomic t => t.Item.Lengths(),
        _ => (0, 0),
    };

    private static int Add(int a, int b) => (int)Math.Min((long)a + b, int.MaxValue);

    private static int Multiply(int a, int b) => (int)Math.Min((long)a * b, int.MaxValue);
}
