using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary><c>value[index]</c> and <c>value[start:stop:step]</c>.</summary>
internal static class Indexing
{
    /// <summary>Looks an element up; false where Python raises a LookupError or TypeError, which Jinja turns into an attribute look-up.</summary>
    public static bool TryItem(object? owner, object? index, out object? value)
    {
        value = null;
        switch (owner)
        {
            case PyDict dict:
                if (index is PyList or PyDict or PyDictView) return false;
                return dict.TryGet(index, out value);
            case PySequence sequence:
                if (!Numbers.TryLong(index, out var i)) return false;
                if (i < 0) i += sequence.Count;
                if (i < 0 || i >= sequence.Count) return false;
                value = sequence.Items[i];
                return true;
            case PyRange range:
                if (!Numbers.TryLong(index, out var r)) return false;
                if (r < 0) r += range.Count;
                if (r < 0 || r >= range.Count) return false;
                value = Types.Box(range[r]);
                return true;
            case string or TracedText:
                if (!Numbers.TryLong(index, out var at)) return false;
                var text = Texts.Plain(owner);
                var count = Texts.Count(text);
                if (at < 0) at += count;
                if (at < 0 || at >= count) return false;
                var start = Texts.ToUtf16(text, (int)at);
                value = Texts.Slice(owner, start, Texts.ToUtf16(text, (int)at + 1) - start);
                return true;
            default: return false;
        }
    }

    public static object? Slice(Interpreter interpreter, object? owner, object? start, object? stop, object? step)
    {
        if (owner is Undefined u) throw u.Error();
        if (owner is not (PySequence or PyRange) && !Texts.IsText(owner))
            throw owner is PyDict ? Errors.Type("unhashable type: 'slice'") : Errors.Type($"'{Types.NameOf(owner)}' object is not subscriptable");
        var stride = step is null ? 1 : Bound(step);
        if (stride == 0) throw Errors.Value("slice step cannot be zero");
        var count = Types.Count(owner);
        // As PySlice_AdjustIndices: bounds are cut to what lies before and behind the sequence in the direction of the step.
        var (low, high) = stride > 0 ? (0L, count) : (-1L, count - 1);
        var from = start is null ? (stride > 0 ? low : high) : Adjust(Bound(start), count, low, high);
        var to = stop is null ? (stride > 0 ? high : low) : Adjust(Bound(stop), count, low, high);
        var length = stride > 0 ? (to > from ? (to - from - 1) / stride + 1 : 0) : (from > to ? (from - to - 1) / -stride + 1 : 0);
        interpreter.Charge(length);
        switch (owner)
        {
            case PyRange range: return new PyRange(range.Start + from * range.Step, range.Start + to * range.Step, range.Step * stride);
            case PySequence sequence:
                var items = new object?[length];
                for (long i = 0; i < length; i++) items[i] = sequence.Items[from + i * stride];
                return sequence is PyList ? new PyList(items) : new PyTuple(items);
            default: return Slice(owner!, from, stride, length);
        }
    }

    private static object Slice(object text, long from, long stride, long length)
    {
        var plain = Texts.Plain(text);
        if (length == 0) return "";
        if (stride == 1)
        {
            var start = Texts.ToUtf16(plain, (int)from);
            return Texts.Slice(text, start, Texts.ToUtf16(plain, (int)(from + length)) - start);
        }
        var characters = Iteration.Characters(text).ToArray();
        var builder = new TextBuilder();
        for (long i = 0; i < length; i++) builder.AppendText(characters[from + i * stride]!);
        return builder.ToValue();
    }

    private static long Bound(object value) =>
        Numbers.IsInteger(value) ? Numbers.ToIndex(value)
        : throw Errors.Type("slice indices must be integers or None or have an __index__ method");

    private static long Adjust(long index, long count, long low, long high) => Math.Clamp(index < 0 ? index + count : index, low, high);
}
