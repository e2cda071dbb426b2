using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>The functions that every chat template finds: Jinja's and those that transformers adds.</summary>
internal static class Globals
{
    public static Dictionary<string, object?> All { get; } = new(StringComparer.Ordinal)
    {
        ["range"] = Function(new Builtin("range", Range), "type"),
        ["dict"] = Function(new Builtin("dict", (it, _, a) => Dict(it, a)), "type"),
        ["namespace"] = Function(new Builtin("namespace", Namespace), "type"),
        ["cycler"] = Function(new Builtin("cycler", (_, _, a) => new Cycler(a.Positional)), "type"),
        ["joiner"] = Function(new Builtin("joiner", "sep?", (_, _, a) => new Joiner(a[0] is Missing ? ", " : Representation.Str(a[0]))), "type"),
        ["lipsum"] = Function(new Builtin("lipsum", (_, _, _) => throw Errors.Unsupported("lipsum()", "its text is random")), "function"),
        ["raise_exception"] = Function(new Builtin("raise_exception", "message", (_, _, a) =>
            throw new ChatTemplateException(ChatTemplateException.RaisedByTemplate, Texts.Plain(Representation.Str(a[0])))), "function"),
        ["strftime_now"] = Function(new Builtin("strftime_now", "format", (it, _, a) =>
            TimeFormat.Apply(it.Clock.GetLocalNow().DateTime, Texts.TryGet(a[0], out var format) ? format : throw Errors.Type($"strftime() argument 1 must be str, not {Types.NameOf(a[0])}"))), "function"),
    };

    /// <summary>transformers refuses attributes of a namespace that begin with an underscore.</summary>
    public static void RequireAttributeName(string name)
    {
        if (name.StartsWith('_'))
            throw Errors.Security($"Chat templates cannot store underscore-prefixed attributes on a namespace, but got '{name}'. Please rename the attribute.");
    }

    private static BoundFunction Function(Builtin function, string typeName) => new(function, null, typeName);

    private static object Range(Interpreter interpreter, object? self, CallArguments arguments)
    {
        var a = arguments.Positional;
        if (arguments.NamedCount > 0) throw Errors.Type("range() takes no keyword arguments");
        if (a.Length is 0 or > 3) throw Errors.Type(a.Length == 0 ? "range expected at least 1 argument, got 0" : $"range expected at most 3 arguments, got {a.Length}");
        var (start, stop, step) = a.Length == 1 ? (0, Numbers.ToIndex(a[0]), 1) : (Numbers.ToIndex(a[0]), Numbers.ToIndex(a[1]), a.Length == 3 ? Numbers.ToIndex(a[2]) : 1);
        if (step == 0) throw Errors.Value("range() arg 3 must not be zero");
        var range = new PyRange(start, stop, step);
        if (range.Count > interpreter.Limits.RangeLength || range.Count < 0)
            throw Errors.Overflow($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({interpreter.Limits.RangeLength}).");
        return range;
    }

    private static PyDict Dict(Interpreter interpreter, CallArguments arguments)
    {
        if (arguments.Positional.Length > 1) throw Errors.Type($"dict expected at most 1 argument, got {arguments.Positional.Length}");
        var dict = new PyDict();
        if (arguments.Positional is [var source])
        {
            if (source is PyDict other) dict = other.Copy();
            else
                foreach (var (i, item) in Iteration.ToArray(interpreter, source).Index())
                {
                    if (!Iteration.IsIterable(item)) throw Errors.Type($"cannot convert dictionary update sequence element #{i} to a sequence");
                    var pair = Iteration.ToArray(interpreter, item);
                    if (pair.Length != 2) throw Errors.Value($"dictionary update sequence element #{i} has length {pair.Length}; 2 is required");
                    dict.Set(pair[0], pair[1]);
                }
        }
        for (var i = 0; i < arguments.NamedCount; i++) dict.Set(arguments.Named!.KeyAt(i), arguments.Named.ValueAt(i));
        return dict;
    }

    private static PyNamespace Namespace(Interpreter interpreter, object? self, CallArguments arguments)
    {
        var attributes = Dict(interpreter, arguments);
        for (var i = 0; i < attributes.Count; i++)
            if (attributes.KeyAt(i) is string name) RequireAttributeName(name);
        return new PyNamespace(attributes);
    }
}
