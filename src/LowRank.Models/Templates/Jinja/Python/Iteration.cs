using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Iterating over Python values.</summary>
internal static class Iteration
{
    public static bool IsIterable(object? value) =>
        value is string or TracedText or PySequence or PyDict or PyRange or PyDictView or PyIterator or Undefined or LoopContext;

    /// <exception cref="ChatTemplateException">TypeError: the value cannot be iterated.</exception>
    public static PyIterator Over(object? value) => value switch
    {
        PySequence sequence => new ArrayIterator(sequence.Items, sequence is PyList ? "list_iterator" : "tuple_iterator"),
        PyIterator iterator => iterator,
        PyDict dict => new EnumerableIterator(Keys(dict), "dict_keyiterator"),
        PyDictView view => new EnumerableIterator(Elements(view), NameOfIterator(view)),
        PyRange range => new EnumerableIterator(Elements(range), "range_iterator"),
        string or TracedText => new EnumerableIterator(Characters(value), "str_iterator"),
        Undefined => new ArrayIterator([], "generator"),
        LoopContext loop => new EnumerableIterator(loop.Remaining(), "LoopContext"),
        _ => throw Errors.Type($"'{Types.NameOf(value)}' object is not iterable"),
    };

    /// <summary>All elements at once.</summary>
    public static object?[] ToArray(Interpreter interpreter, object? value)
    {
        if (value is PySequence sequence) return sequence.Items;
        if (value is PyRange range) interpreter.Charge(range.Count);
        var items = new List<object?>();
        var iterator = Over(value);
        while (iterator.MoveNext(out var item))
        {
            interpreter.Step();
            items.Add(item);
        }
        return items.ToArray();
    }

    /// <summary>The elements from the last to the first, as <c>reversed()</c> gives them; null where Python cannot.</summary>
    public static PyIterator? Reversed(object? value) => value switch
    {
        PyList list => new ArrayIterator(list.Items, "list_reverseiterator", backwards: true),
        PyTuple tuple => new ArrayIterator(tuple.Items, "reversed", backwards: true),
        PyDict dict => new ArrayIterator([.. Keys(dict)], "dict_reversekeyiterator", backwards: true),
        PyDictView view => new ArrayIterator([.. Elements(view)], "dict_reverse" + NameOfIterator(view)["dict_".Length..], backwards: true),
        PyRange range => new ArrayIterator([.. Elements(range)], "range_iterator", backwards: true),
        string or TracedText => new ArrayIterator([.. Characters(value)], "reversed", backwards: true),
        Undefined => new ArrayIterator([], "reversed"),
        _ => null,
    };

    /// <summary>The characters of a <c>str</c>, each a code point.</summary>
    public static IEnumerable<object?> Characters(object text)
    {
        var plain = Texts.Plain(text);
        // The characters of markup are ordinary text.
        text = Representation.Str(text);
        for (var i = 0; i < plain.Length;)
        {
            var length = char.IsHighSurrogate(plain[i]) && i + 1 < plain.Length && char.IsLowSurrogate(plain[i + 1]) ? 2 : 1;
            yield return Texts.Slice(text, i, length);
            i += length;
        }
    }

    private static IEnumerable<object?> Keys(PyDict dict)
    {
        for (var i = 0; i < dict.Count; i++) yield return dict.KeyAt(i);
    }

    private static IEnumerable<object?> Elements(PyDictView view)
    {
        for (var i = 0; i < view.Dict.Count; i++) yield return view[i];
    }

    private static IEnumerable<object?> Elements(PyRange range)
    {
        for (long i = 0; i < range.Count; i++) yield return Types.Box(range[i]);
    }

    private static string NameOfIterator(PyDictView view) =>
        view.Part switch { DictPart.Keys => "dict_keyiterator", DictPart.Values => "dict_valueiterator", _ => "dict_itemiterator" };
}
