using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Hashes of Python values: equal values have equal hashes, numbers across their types.</summary>
internal static class Hashing
{
    /// <summary>Stands for <c>None</c> where .NET wants a key that is not null.</summary>
    public static readonly object None = new();

    public static IEqualityComparer<object> Comparer { get; } = new PythonComparer();

    /// <exception cref="ChatTemplateException">TypeError: the value has no hash.</exception>
    public static void Require(object? value)
    {
        if (value is PyList or PyDict or PyDictView) throw Errors.Type($"unhashable type: '{Types.NameOf(value)}'");
        if (value is not PyTuple tuple) return;
        using var level = Nesting.Enter();
        foreach (var item in tuple.Items) Require(item);
    }

    private static int Of(object value) => value switch
    {
        string s => s.GetHashCode(),
        TracedText t => t.Text.GetHashCode(),
        bool b => b ? 1.0.GetHashCode() : 0.0.GetHashCode(),
        long l => ((double)l).GetHashCode(),
        BigInteger big => ((double)big).GetHashCode(),
        double d => (d == 0 ? 0.0 : d).GetHashCode(),
        PyTuple tuple => tuple.Items.Aggregate(17, (h, item) => h * 31 + Of(item ?? None)),
        _ => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(value),
    };

    private sealed class PythonComparer : IEqualityComparer<object>
    {
        public new bool Equals(object? x, object? y) =>
            ReferenceEquals(x, y) || (x != None && y != None && Comparison.AreEqual(x, y));

        public int GetHashCode(object value) => Of(value);
    }
}
