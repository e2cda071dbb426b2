using System.Numerics;
using LowRank.Models.Templates.Jinja.Builtins;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>
/// <c>value.name</c> and <c>value[name]</c> with the rules of Jinja's sandbox: the dot tries the attribute first and the element then,
/// brackets the other way round; a private or changing attribute gives an undefined value that fails when used.
/// </summary>
internal static class Attributes
{
    // What every Python object has; reading it is unsafe rather than undefined.
    private static readonly HashSet<string> Special = ["__class__", "__doc__", "__init__", "__dir__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__",
        "__hash__", "__repr__", "__str__", "__format__", "__getattribute__", "__setattr__", "__delattr__", "__new__", "__reduce__", "__reduce_ex__",
        "__sizeof__", "__subclasshook__", "__init_subclass__"];

    public static object? Get(object? owner, string name)
    {
        if (owner is Undefined u) return IsDunder(name) && Special.Contains(name) ? Undefined.Unsafe(owner, name) : throw u.Error();
        if (TryAttribute(owner, name, out var value)) return value;
        if (owner is PyDict dict && dict.TryGet(name, out value)) return value;
        return Undefined.Member(owner, name);
    }

    public static object? Item(object? owner, object? index)
    {
        if (owner is Undefined u) throw u.Error();
        if (Indexing.TryItem(owner, index, out var value)) return value;
        if (Texts.TryGet(index, out var name) && TryAttribute(owner, name, out value)) return value;
        return Undefined.Member(owner, index);
    }

    /// <summary>An attribute in Python's sense; elements of a dictionary are none.</summary>
    public static bool TryAttribute(object? owner, string name, out object? value)
    {
        switch (owner)
        {
            case PyNamespace space:
                // A namespace hides every attribute but those that were set.
                if (!space.Attributes.TryGet(name, out value)) return false;
                if (name.StartsWith('_')) value = Undefined.Unsafe(owner, name);
                return true;
            case LoopContext loop when loop.TryAttribute(name, out value): return true;
            case MacroFunction macro when macro.TryAttribute(name, out value): return true;
            case Cycler cycler when cycler.TryAttribute(name, out value): return true;
            case PyTuple { Names: { } names } tuple when Array.IndexOf(names, name) is var at and >= 0: value = tuple.Items[at]; return true;
        }
        var methods = owner switch
        {
            PyDict => ContainerMethods.Dict,
            string or TracedText => TextMethods.All,
            PyList => ContainerMethods.List,
            PyTuple => ContainerMethods.Tuple,
            PyRange => ContainerMethods.Range,
            long or bool or BigInteger => ContainerMethods.Integer,
            double => ContainerMethods.Float,
            _ => null,
        };
        if (methods is not null && methods.TryGetValue(name, out var method))
        {
            value = new BoundFunction(method, owner, "builtin_function_or_method");
            return true;
        }
        if (name.StartsWith('_') && Special.Contains(name) || ContainerMethods.Changes(owner, name)) { value = Undefined.Unsafe(owner, name); return true; }
        value = (owner, name) switch
        {
            (PyRange range, "start") => Types.Box(range.Start),
            (PyRange range, "stop") => Types.Box(range.Stop),
            (PyRange range, "step") => Types.Box(range.Step),
            (long or bool or BigInteger, "real" or "numerator") => Arithmetic.Plus(owner),
            (long or bool or BigInteger, "denominator") => Types.Box(1L),
            (long or bool or BigInteger, "imag") => Types.Box(0L),
            (double, "real") => owner,
            (double, "imag") => 0.0,
            _ => Missing.Value,
        };
        return value is not Missing;
    }

    private static bool IsDunder(string name) => name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal);
}
