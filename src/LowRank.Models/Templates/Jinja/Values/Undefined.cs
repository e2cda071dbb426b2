namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>
/// Jinja's undefined value: prints as nothing, is false and empty, and fails with its own message at any other use.
/// </summary>
internal sealed class Undefined
{
    private readonly Func<string> _message;

    private Undefined(Func<string> message, string kind = "UndefinedError")
    {
        _message = message;
        Kind = kind;
    }

    /// <summary>The kind of the error that its use gives.</summary>
    public string Kind { get; }

    public static Undefined Name(string name) => new(() => $"{Python.Representation.Of(name)} is undefined");

    public static Undefined Because(string hint) => new(() => hint);

    public static Undefined Unsafe(object? owner, string attribute) =>
        new(() => $"access to attribute '{attribute}' of '{Python.Types.NameOf(owner)}' object is unsafe.", "SecurityError");

    public static Undefined Member(object? owner, object? name) => new(() =>
    {
        var type = owner is null ? "None" : $"{Python.Types.QualifiedNameOf(owner)} object";
        return Texts.TryGet(name, out var text)
            ? $"{Python.Representation.Of(type)} has no attribute {Python.Representation.Of(text)}"
            : $"{type} has no element {Python.Representation.Of(name)}";
    });

    public ChatTemplateException Error() => new(Kind, _message());
}
