using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Equality, order and membership of Python values.</summary>
internal static class Comparison
{
    public static bool AreEqual(object? left, object? right)
    {
        if (left is string a && right is string b) return a == b;
        if (Texts.TryGet(left, out var s)) return Texts.TryGet(right, out var t) && s == t;
        if (Numbers.IsNumber(left)) return Numbers.IsNumber(right) && Numbers.Compare(left!, right!) == 0;
        switch (left)
        {
            case null: return right is null;
            case Undefined: return right is Undefined;
            case PyList list: return right is PyList other && ItemsEqual(list, other);
            case PyTuple tuple: return right is PyTuple other2 && ItemsEqual(tuple, other2);
            case PyDict dict: return right is PyDict other3 && DictsEqual(dict, other3);
            case PyRange range:
                return right is PyRange o && range.Count == o.Count
                    && (range.Count == 0 || (range.Start == o.Start && (range.Count == 1 || range.Step == o.Step)));
            case PyDictView { Part: not DictPart.Values } view:
                return right is PyDictView { Part: not DictPart.Values } v && view.Dict.Count == v.Dict.Count
                    && Enumerable.Range(0, view.Dict.Count).All(i => Contains(v, view[i]));
            case BoundFunction function:
                return right is BoundFunction f && f.Function == function.Function && ReferenceEquals(f.Self, function.Self);
            default: return ReferenceEquals(left, right);
        }
    }

    /// <summary>Python's order; <paramref name="sign"/> is the operator of the message where the two have none.</summary>
    /// <returns>Less than, equal to or greater than 0; null where a NaN has no order.</returns>
    public static int? Compare(object? left, object? right, string sign)
    {
        if (Texts.TryGet(left, out var s) && Texts.TryGet(right, out var t)) return Texts.Compare(s, t);
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right)) return Numbers.Compare(left!, right!);
        if (left is Undefined u) throw u.Error();
        if (right is Undefined v) throw v.Error();
        if ((left is PyList && right is PyList) || (left is PyTuple && right is PyTuple))
        {
            using var level = Nesting.Enter();
            var (a, b) = (((PySequence)left).Items, ((PySequence)right).Items);
            for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
                if (!AreEqual(a[i], b[i])) return Compare(a[i], b[i], sign);
            return a.Length.CompareTo(b.Length);
        }
        throw Errors.Type($"'{sign}' not supported between instances of '{Types.NameOf(left)}' and '{Types.NameOf(right)}'");
    }

    /// <summary><c>item in container</c>.</summary>
    public static bool Contains(object? container, object? item)
    {
        switch (container)
        {
            case string or TracedText:
                return Texts.TryGet(item, out var part)
                    ? Texts.Plain(container).Contains(part, StringComparison.Ordinal)
                    : throw Errors.Type($"'in <string>' requires string as left operand, not {Types.NameOf(item)}");
            case PyDict dict: return dict.Contains(item);
            case PyDictView { Part: DictPart.Keys } view: return view.Dict.Contains(item);
            case PySequence sequence:
                foreach (var element in sequence.Items)
                    if (ReferenceEquals(element, item) || AreEqual(element, item)) return true;
                return false;
            default:
                if (!Iteration.IsIterable(container)) throw Errors.Type($"argument of type '{Types.NameOf(container)}' is not iterable");
                var iterator = Iteration.Over(container);
                while (iterator.MoveNext(out var element))
                    if (AreEqual(element, item)) return true;
                return false;
        }
    }

    /// <summary><c>left is right</c>, as far as it can be told: numbers and texts by value.</summary>
    public static bool AreSame(object? left, object? right) =>
        ReferenceEquals(left, right)
        || (left is not null && right is not null && left.GetType() == right.GetType() && left is bool or long or BigInteger or string or double
            && left.Equals(right));

    private static bool ItemsEqual(PySequence left, PySequence right)
    {
        if (left.Count != right.Count) return false;
        if (ReferenceEquals(left, right)) return true;
        using var level = Nesting.Enter();
        for (var i = 0; i < left.Count; i++)
            if (!ReferenceEquals(left.Items[i], right.Items[i]) && !AreEqual(left.Items[i], right.Items[i])) return false;
        return true;
    }

    private static bool DictsEqual(PyDict left, PyDict right)
    {
        if (left.Count != right.Count) return false;
        if (ReferenceEquals(left, right)) return true;
        using var level = Nesting.Enter();
        for (var i = 0; i < left.Count; i++)
            if (!right.TryGet(left.KeyAt(i), out var value) || !AreEqual(left.ValueAt(i), value)) return false;
        return true;
    }
}
