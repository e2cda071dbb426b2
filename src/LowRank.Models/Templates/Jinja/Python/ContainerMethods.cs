using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>The methods of <c>dict</c>, <c>list</c>, <c>tuple</c>, <c>range</c> and numbers that change nothing, and the names of those that do.</summary>
internal static class ContainerMethods
{
    public static Dictionary<string, Builtin> Dict { get; } = Table(
        ("get", "key default?", (_, self, a) => ((PyDict)self!).TryGet(a[0], out var value) ? value : a[1] is Missing ? null : a[1]),
        ("items", "", (_, self, _) => new PyDictView((PyDict)self!, DictPart.Items)),
        ("keys", "", (_, self, _) => new PyDictView((PyDict)self!, DictPart.Keys)),
        ("values", "", (_, self, _) => new PyDictView((PyDict)self!, DictPart.Values)),
        ("copy", "", (_, self, _) => ((PyDict)self!).Copy()),
        ("fromkeys", "iterable value?", FromKeys));

    public static Dictionary<string, Builtin> List { get; } = Table(
        ("count", "value", (_, self, a) => CountOf(self, a[0])),
        ("index", "value start? stop?", IndexOf),
        ("copy", "", (_, self, _) => new PyList(((PyList)self!).Items)));

    public static Dictionary<string, Builtin> Tuple { get; } = Table(
        ("count", "value", (_, self, a) => CountOf(self, a[0])),
        ("index", "value start? stop?", IndexOf));

    public static Dictionary<string, Builtin> Range { get; } = Table(
        ("count", "value", (_, self, a) => Types.Box(Comparison.Contains(self, a[0]) ? 1L : 0L)),
        ("index", "value", (it, self, a) => IndexOf(it, new PyTuple(Iteration.ToArray(it, self)), [a[0], Missing.Value, Missing.Value])));

    public static Dictionary<string, Builtin> Integer { get; } = Table(
        ("bit_length", "", (_, self, _) => Types.Box(System.Numerics.BigInteger.Abs(Numbers.ToBig(self!)).GetBitLength())),
        ("bit_count", "", (_, self, _) => Types.Box((long)System.Numerics.BigInteger.Abs(Numbers.ToBig(self!)).ToByteArray().Sum(b => System.Numerics.BitOperations.PopCount(b)))),
        ("conjugate", "", (_, self, _) => Arithmetic.Plus(self)));

    public static Dictionary<string, Builtin> Float { get; } = Table(
        ("is_integer", "", (_, self, _) => Types.Box(double.IsFinite((double)self!) && Math.Floor((double)self!) == (double)self!)),
        ("conjugate", "", (_, self, _) => self));

    /// <summary>Methods that exist in Python and change their object, which the sandbox refuses.</summary>
    public static bool Changes(object? owner, string name) => owner switch
    {
        PyDict => name is "clear" or "pop" or "popitem" or "setdefault" or "update",
        PyList => name is "append" or "clear" or "pop" or "reverse" or "insert" or "sort" or "extend" or "remove",
        _ => false,
    };

    private static Dictionary<string, Builtin> Table(params (string Name, string Parameters, Builtin.Body Body)[] methods) =>
        methods.ToDictionary(m => m.Name, m => new Builtin(m.Name, m.Parameters, m.Body) { PositionalOnly = true }, StringComparer.Ordinal);

    private static object FromKeys(Interpreter interpreter, object? self, object?[] arguments)
    {
        var dict = new PyDict();
        foreach (var key in Iteration.ToArray(interpreter, arguments[0])) dict.Set(key, arguments[1] is Missing ? null : arguments[1]);
        return dict;
    }

    private static object CountOf(object? self, object? value)
    {
        long count = 0;
        foreach (var item in ((PySequence)self!).Items)
            if (Comparison.AreEqual(item, value)) count++;
        return Types.Box(count);
    }

    private static object IndexOf(Interpreter interpreter, object? self, object?[] arguments)
    {
        var items = ((PySequence)self!).Items;
        var start = Bound(arguments[1], 0);
        var stop = Bound(arguments[2], items.Length);
        for (var i = start; i < stop; i++)
            if (Comparison.AreEqual(items[i], arguments[0])) return Types.Box(i);
        throw Errors.Value(self is PyList ? $"{Representation.Of(arguments[0])} is not in list" : "tuple.index(x): x not in tuple");

        long Bound(object? argument, long absent)
        {
            if (argument is Missing) return absent;
            var index = Numbers.ToIndex(argument);
            return Math.Clamp(index < 0 ? index + items.Length : index, 0, items.Length);
        }
    }
}
