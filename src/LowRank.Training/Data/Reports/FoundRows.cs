namespace LowRank.Training.Data.Reports;

/// <summary>Rows of which something was found: how many, and the first of them.</summary>
/// <param name="Count">How many.</param>
/// <param name="Examples">The first few, as <c>file:line</c>, with what belongs to them.</param>
internal sealed record FoundRows(int Count, IReadOnlyList<string> Examples)
{
    private const int Named = 5;

    public static FoundRows None { get; } = new(0, []);

    public FoundRows With(string example) => With(() => example);

    /// <summary>One more; the text is made only where it is shown, because it may ask for another row.</summary>
    public FoundRows With(Func<string> example) => new(Count + 1, Examples.Count < Named ? [.. Examples, example()] : Examples);
}
