namespace LowRank.Models.Templates;

/// <summary>
/// A chat template cannot be parsed or rendered. <see cref="Kind"/> tells the cause in the words of Jinja and Python, so that the
/// message can be looked up: <c>TemplateSyntaxError</c>, <c>UndefinedError</c>, <c>TypeError</c>, <c>SecurityError</c> and so on;
/// <see cref="RaisedByTemplate"/> where the template itself called <c>raise_exception</c>; <see cref="LimitExceeded"/> where it
/// exceeded one of <see cref="ChatTemplateLimits"/>.
/// </summary>
public sealed class ChatTemplateException : LowRankException
{
    /// <summary>The <see cref="Kind"/> of an error that the template raised with <c>raise_exception</c>.</summary>
    public const string RaisedByTemplate = "raise_exception";

    /// <summary>The <see cref="Kind"/> of an error about a limit of <see cref="ChatTemplateLimits"/>.</summary>
    public const string LimitExceeded = "LimitExceeded";

    internal ChatTemplateException(string kind, string detail, int? line = null, Exception? inner = null)
        : base(Compose(kind, detail, line), inner!)
    {
        Kind = kind;
        Detail = detail;
        Line = line;
    }

    /// <summary>The name of the error in Jinja or Python, or one of the two constants of this class.</summary>
    public string Kind { get; }

    /// <summary>What is wrong, without the place. For <see cref="RaisedByTemplate"/> the template's own text.</summary>
    public string Detail { get; }

    /// <summary>The line of the template, counted from 1, where it is known.</summary>
    public int? Line { get; }

    private static string Compose(string kind, string detail, int? line) =>
        kind == RaisedByTemplate ? $"The chat template refuses the conversation: {detail}"
        : line is { } at ? $"Chat template, line {at}: {detail} ({kind})"
        : $"Chat template: {detail} ({kind})";
}
