using System.Diagnostics.CodeAnalysis;

namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>
/// Python <c>str</c> values, which are plain strings or <see cref="TracedText"/>. Python counts code points and .NET UTF-16 code
/// units; the two differ only in texts with surrogates, which is looked up once per operation.
/// </summary>
internal static class Texts
{
    public static bool IsText(object? value) => value is string or TracedText;

    public static bool TryGet(object? value, [NotNullWhen(true)] out string? text)
    {
        text = value as string ?? (value as TracedText)?.Text;
        return text is not null;
    }

    /// <summary>The characters of a value that is known to be a <c>str</c>.</summary>
    public static string Plain(object text) => text as string ?? ((TracedText)text).Text;

    public static bool IsMarkup(object? value) => value is TracedText { Markup: true };

    public static object AsMarkup(object text) =>
        text is TracedText traced ? new TracedText(traced.Text, traced.Runs, markup: true) : new TracedText((string)text, [], markup: true);

    /// <summary>A part of a <c>str</c>, with the runs that lie in it. Offsets are UTF-16 code units.</summary>
    public static object Slice(object text, int start, int length)
    {
        if (text is string plain) return length == plain.Length ? plain : plain.Substring(start, length);
        var traced = (TracedText)text;
        if (length == traced.Text.Length) return traced;
        var part = traced.Text.Substring(start, length);
        List<TextRun>? runs = null;
        foreach (var run in traced.Runs)
            if (Clip(run, start, length) is { } clipped) (runs ??= []).Add(clipped);
        return runs is null && !traced.Markup ? part : new TracedText(part, runs is null ? [] : [.. runs], traced.Markup);
    }

    /// <summary>The part of a run inside [start, start + length), relative to start; null where there is none.</summary>
    public static TextRun? Clip(TextRun run, int start, int length)
    {
        var from = Math.Max(run.Start, start);
        var to = Math.Min(run.End, start + length);
        if (to < from || (to == from && run.Length > 0)) return null;
        return run with { Start = from - start, Length = to - from };
    }

    /// <summary>
    /// A changed form of the whole text (another case, say). Runs are kept as they are where the length did not change; else every
    /// origin covers the whole result, which keeps who wrote it and loses where exactly.
    /// </summary>
    public static object WithRunsOf(object source, string changed)
    {
        if (source is not TracedText { Runs.Length: > 0 } traced) return changed;
        if (changed.Length == traced.Text.Length) return new TracedText(changed, traced.Runs);
        var seen = new List<TextRun>();
        foreach (var run in traced.Runs)
            if (!seen.Exists(r => r.Message == run.Message && r.Field == run.Field)) seen.Add(run with { Start = 0, Length = changed.Length });
        return new TracedText(changed, [.. seen]);
    }

    public static object Concat(object left, object right)
    {
        if (left is string l && right is string r) return string.Concat(l, r);
        var (markLeft, markRight) = (IsMarkup(left), IsMarkup(right));
        if (markLeft != markRight) (left, right) = markLeft ? (left, Html.Escape(right)) : (Html.Escape(left), right);
        var text = string.Concat(Plain(left), Plain(right));
        var runs = Joined((left as TracedText)?.Runs ?? [], (right as TracedText)?.Runs ?? [], Plain(left).Length);
        return runs.Length == 0 && !markLeft && !markRight ? text : new TracedText(text, runs, markLeft || markRight);
    }

    /// <summary>Texts one behind the other.</summary>
    public static object Concat(List<object> texts)
    {
        if (texts.Exists(IsMarkup)) return texts.Aggregate(Concat);
        var (strings, runs, offset) = (new string[texts.Count], (TextRun[])[], 0);
        for (var i = 0; i < strings.Length; offset += strings[i++].Length)
        {
            strings[i] = Plain(texts[i]);
            runs = Joined(runs, (texts[i] as TracedText)?.Runs ?? [], offset);
        }
        return runs.Length == 0 ? string.Concat(strings) : new TracedText(string.Concat(strings), runs);
    }

    // The runs of two texts that follow each other. Where one has none, nothing is copied that need not be: templates put texts together from many pieces.
    private static TextRun[] Joined(TextRun[] left, TextRun[] right, int offset)
    {
        if (right.Length == 0) return left;
        if (left.Length == 0 && offset == 0) return right;
        var shifted = Array.ConvertAll(right, run => run with { Start = run.Start + offset });
        if (left.Length == 0) return shifted;
        return left[^1].TryJoin(shifted[0], out var joined) ? [.. left[..^1], joined, .. shifted[1..]] : [.. left, .. shifted];
    }

    public static bool HasSurrogates(ReadOnlySpan<char> text) => text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;

    /// <summary>Length in code points.</summary>
    public static int Count(string text)
    {
        if (!HasSurrogates(text)) return text.Length;
        var count = 0;
        for (var i = 0; i < text.Length; i++, count++)
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
        return count;
    }

    /// <summary>The UTF-16 offset of a code point. Past the end it is the length.</summary>
    public static int ToUtf16(string text, int codePoint)
    {
        if (!HasSurrogates(text)) return Math.Min(codePoint, text.Length);
        var i = 0;
        for (; i < text.Length && codePoint > 0; codePoint--)
            i += char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
        return i;
    }

    /// <summary>The number of code points before a UTF-16 offset.</summary>
    public static int ToCodePoint(string text, int utf16)
    {
        var head = text.AsSpan(0, utf16);
        if (!HasSurrogates(head)) return utf16;
        var pairs = 0;
        for (var i = 1; i < head.Length; i++)
            if (char.IsLowSurrogate(head[i]) && char.IsHighSurrogate(head[i - 1])) { pairs++; i++; }
        return utf16 - pairs;
    }

    /// <summary>Order of Python: by code points, which is not that of UTF-16 code units.</summary>
    public static int Compare(string left, string right)
    {
        var n = Math.Min(left.Length, right.Length);
        for (var i = 0; i < n; i++)
        {
            var (a, b) = (left[i], right[i]);
            if (a == b) continue;
            // Surrogates stand for code points above the rest of the 16-bit range.
            var (highA, highB) = (char.IsSurrogate(a), char.IsSurrogate(b));
            return highA != highB ? (highA ? 1 : -1) : a.CompareTo(b);
        }
        return left.Length.CompareTo(right.Length);
    }
}
