using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Taking a <c>str</c> apart and replacing in it; every piece keeps its runs.</summary>
internal static class Splitting
{
    /// <summary><c>split</c> and <c>rsplit</c>.</summary>
    /// <param name="interpreter">Whose limits count.</param>
    /// <param name="text">The text.</param>
    /// <param name="separator">The separator, or null for runs of white space.</param>
    /// <param name="limit">How many cuts at most; negative for all.</param>
    /// <param name="fromRight">Cuts from the right.</param>
    public static PyList Split(Interpreter interpreter, object text, string? separator, long limit, bool fromRight)
    {
        var plain = Texts.Plain(text);
        var pieces = new List<object?>();
        interpreter.Charge(plain.Length);
        if (separator is { Length: 0 }) throw Errors.Value("empty separator");
        if (limit < 0) limit = long.MaxValue;
        if (separator is null) SplitWhitespace(text, plain, limit, fromRight, pieces);
        else if (!fromRight)
        {
            var start = 0;
            for (int at; limit > 0 && (at = plain.IndexOf(separator, start, StringComparison.Ordinal)) >= 0; limit--)
            {
                pieces.Add(Texts.Slice(text, start, at - start));
                start = at + separator.Length;
            }
            pieces.Add(Texts.Slice(text, start, plain.Length - start));
        }
        else
        {
            var end = plain.Length;
            for (int at; limit > 0 && (at = plain.AsSpan(0, end).LastIndexOf(separator)) >= 0; limit--)
            {
                pieces.Add(Texts.Slice(text, at + separator.Length, end - at - separator.Length));
                end = at;
            }
            pieces.Add(Texts.Slice(text, 0, end));
            pieces.Reverse();
        }
        return PyList.Of(pieces);
    }

    private static void SplitWhitespace(object text, string plain, long limit, bool fromRight, List<object?> pieces)
    {
        if (!fromRight)
        {
            for (var i = 0; ;)
            {
                while (i < plain.Length && Whitespace.Is(plain[i])) i++;
                if (i == plain.Length) return;
                if (limit-- == 0)
                {
                    // What is left keeps the white space at its far end.
                    pieces.Add(Texts.Slice(text, i, plain.Length - i));
                    return;
                }
                var start = i;
                while (i < plain.Length && !Whitespace.Is(plain[i])) i++;
                pieces.Add(Texts.Slice(text, start, i - start));
            }
        }
        for (var i = plain.Length; ;)
        {
            while (i > 0 && Whitespace.Is(plain[i - 1])) i--;
            if (i == 0) break;
            if (limit-- == 0)
            {
                pieces.Add(Texts.Slice(text, 0, i));
                break;
            }
            var end = i;
            while (i > 0 && !Whitespace.Is(plain[i - 1])) i--;
            pieces.Add(Texts.Slice(text, i, end - i));
        }
        pieces.Reverse();
    }

    public static List<object?> Lines(object text, bool keepEnds)
    {
        var plain = Texts.Plain(text);
        var lines = new List<object?>();
        for (var i = 0; i < plain.Length;)
        {
            var start = i;
            while (i < plain.Length && !Whitespace.IsLineEnd(plain[i])) i++;
            var end = i;
            if (i < plain.Length) i += plain[i] == '\r' && i + 1 < plain.Length && plain[i + 1] == '\n' ? 2 : 1;
            lines.Add(Texts.Slice(text, start, (keepEnds ? i : end) - start));
        }
        return lines;
    }

    /// <summary><c>partition</c> and <c>rpartition</c>.</summary>
    public static PyTuple Partition(object text, object separator, bool fromRight)
    {
        var (plain, mark) = (Texts.Plain(text), Texts.Plain(separator));
        if (mark.Length == 0) throw Errors.Value("empty separator");
        var at = fromRight ? plain.LastIndexOf(mark, StringComparison.Ordinal) : plain.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0) return fromRight ? new PyTuple("", "", text) : new PyTuple(text, "", "");
        var after = at + mark.Length;
        return new PyTuple(Texts.Slice(text, 0, at), separator, Texts.Slice(text, after, plain.Length - after));
    }

    /// <summary><c>replace</c>, with the runs of both texts.</summary>
    public static object Replace(Interpreter interpreter, object text, string old, object replacement, long limit)
    {
        var plain = Texts.Plain(text);
        if (limit < 0) limit = long.MaxValue;
        if (limit == 0 || (old.Length > 0 && !plain.Contains(old, StringComparison.Ordinal))) return text;
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        var start = 0;
        if (old.Length == 0)
        {
            // Python puts the replacement before every character and at the end.
            foreach (var character in Iteration.Characters(text))
            {
                if (limit-- > 0) builder.AppendText(replacement);
                builder.AppendText(character!);
            }
            if (limit > 0) builder.AppendText(replacement);
        }
        else
        {
            for (int at; limit > 0 && (at = plain.IndexOf(old, start, StringComparison.Ordinal)) >= 0; limit--)
            {
                builder.AppendText(text, start, at - start);
                builder.AppendText(replacement);
                start = at + old.Length;
            }
            builder.AppendText(text, start, plain.Length - start);
        }
        interpreter.Charge(builder.Length);
        return builder.ToValue();
    }

    public static object Join(Interpreter interpreter, object separator, IReadOnlyList<object> parts)
    {
        var markup = Texts.IsMarkup(separator);
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        for (var i = 0; i < parts.Count; i++)
        {
            if (i > 0) builder.AppendText(separator);
            builder.AppendText(markup && !Texts.IsMarkup(parts[i]) ? Html.Escape(parts[i]) : parts[i]);
        }
        interpreter.Charge(builder.Length);
        return markup ? Texts.AsMarkup(builder.ToValue()) : builder.ToValue();
    }
}
