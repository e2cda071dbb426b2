namespace LowRank.Models.Templates;

/// <summary>
/// What a template may use while it renders. A template is a program from a downloaded file; these limits keep a hostile or a
/// faulty one from using the machine's memory or time. Exceeding one throws a <see cref="ChatTemplateException"/> whose kind is
/// <see cref="ChatTemplateException.LimitExceeded"/>.
/// </summary>
public sealed record ChatTemplateLimits
{
    /// <summary>The limits used where none are given.</summary>
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>Statements, loop rounds, elements produced and calls together. Default 5,000,000.</summary>
    public long Steps { get; init; } = 5_000_000;

    /// <summary>Length of the rendered text in UTF-16 code units. Default 16 Mi.</summary>
    public int OutputLength { get; init; } = 16 << 20;

    /// <summary>Total length in UTF-16 code units of all texts, and elements of all lists, made while rendering. Default 64 Mi.</summary>
    public long MadeLength { get; init; } = 64 << 20;

    /// <summary>Macros and recursive loops that may be active at once. Default 200.</summary>
    public int Depth { get; init; } = 200;

    /// <summary>Elements of one <c>range(...)</c>. Default 100,000, the value of Jinja's sandbox.</summary>
    public int RangeLength { get; init; } = 100_000;
}
