namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>A piece of a text that came from a field of a message, or that a generation tag enclosed. Offsets are UTF-16 code units.</summary>
/// <param name="Start">Offset in the text.</param>
/// <param name="Length">Length; 0 is kept for generation tags only.</param>
/// <param name="Message">Index of the message, or <see cref="Generation"/>.</param>
/// <param name="Field">The message's field, such as <c>content</c>.</param>
internal readonly record struct TextRun(int Start, int Length, int Message, string Field)
{
    /// <summary>The <see cref="Message"/> of a run that marks the output of a generation tag.</summary>
    public const int Generation = -1;

    public int End => Start + Length;

    /// <summary>Neighbours of one origin are one run, so that a text put together from pieces stays small.</summary>
    public bool TryJoin(TextRun next, out TextRun joined)
    {
        joined = this with { Length = Length + next.Length };
        return next.Message != Generation && next.Message == Message && End == next.Start && next.Field == Field;
    }
}

/// <summary>
/// A Python <c>str</c> that carries more than its characters: where they came from, or that it is markup (already escaped).
/// An ordinary <c>str</c> is a plain .NET string; most renderings never make one of these.
/// </summary>
internal sealed class TracedText(string text, TextRun[] runs, bool markup = false)
{
    public string Text { get; } = text;
    public TextRun[] Runs { get; } = runs;
    public bool Markup { get; } = markup;

    public override string ToString() => Text;
}
