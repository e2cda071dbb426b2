using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Type names, truth and length of Python values.</summary>
internal static class Types
{
    private static readonly object True = true, False = false;
    private static readonly object[] SmallIntegers = [.. Enumerable.Range(-16, 1040).Select(i => (object)(long)i)];

    public static object Box(bool value) => value ? True : False;

    public static object Box(long value) => value is >= -16 and < 1024 ? SmallIntegers[value + 16] : value;

    public static object Box(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? Box((long)value) : value;

    public static string NameOf(object? value) => value switch
    {
        null => "NoneType",
        string or TracedText { Markup: false } => "str",
        TracedText => "Markup",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        PyList => "list",
        PyTuple { Names: not null } => "_GroupTuple",
        PyTuple => "tuple",
        PyDict => "dict",
        PyRange => "range",
        PyDictView view => view.Part switch { DictPart.Keys => "dict_keys", DictPart.Values => "dict_values", _ => "dict_items" },
        PyNamespace => "Namespace",
        Undefined => "Undefined",
        PyIterator iterator => iterator.TypeName,
        PyCallable callable => callable.TypeName,
        _ => value.GetType().Name,
    };

    /// <summary>The name with the module where the type is not built in.</summary>
    public static string QualifiedNameOf(object? value) => value switch
    {
        TracedText { Markup: true } => "markupsafe.Markup",
        PyNamespace => "jinja2.utils.Namespace",
        Undefined => "jinja2.runtime.Undefined",
        LoopContext or MacroFunction => "jinja2.runtime." + NameOf(value),
        PyTuple { Names: not null } => "jinja2.filters._GroupTuple",
        _ => NameOf(value),
    };

    public static bool IsTrue(object? value) => value switch
    {
        null => false,
        bool b => b,
        string s => s.Length > 0,
        long l => l != 0,
        PySequence sequence => sequence.Count > 0,
        PyDict dict => dict.Count > 0,
        Undefined => false,
        TracedText t => t.Text.Length > 0,
        double d => d != 0,
        BigInteger big => !big.IsZero,
        PyRange range => range.Count > 0,
        PyDictView view => view.Dict.Count > 0,
        LoopContext loop => loop.CountAll() > 0,
        _ => true,
    };

    public static bool TryCount(object? value, out long count)
    {
        switch (value)
        {
            case string s: count = Texts.Count(s); return true;
            case TracedText t: count = Texts.Count(t.Text); return true;
            case PySequence sequence: count = sequence.Count; return true;
            case PyDict dict: count = dict.Count; return true;
            case PyRange range: count = range.Count; return true;
            case PyDictView view: count = view.Dict.Count; return true;
            case Undefined: count = 0; return true;
            case LoopContext loop: count = loop.CountAll(); return true;
            default: count = 0; return false;
        }
    }

    public static long Count(object? value) =>
        TryCount(value, out var count) ? count : throw Errors.Type($"object of type '{NameOf(value)}' has no len()");
}
