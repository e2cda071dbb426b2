using System.Buffers;

namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>
/// Collects text together with the runs of what is appended. Without traced input it is a plain growing buffer. Whoever is done with it may give the buffer back for the next one.
/// </summary>
/// <param name="limit">The most characters.</param>
/// <param name="isPooled">Whether the buffer is taken from those that others gave back (<see cref="Release"/>).</param>
internal sealed class TextBuilder(int limit = int.MaxValue, bool isPooled = false)
{
    private const int FirstLength = 256;

    private char[] _buffer = isPooled ? ArrayPool<char>.Shared.Rent(4 * FirstLength) : new char[FirstLength];
    private List<TextRun>? _runs;

    public int Length { get; private set; }

    public IReadOnlyList<TextRun> Runs => _runs ?? (IReadOnlyList<TextRun>)[];

    public void Append(char c)
    {
        if (Length >= Room) Grow(1);
        _buffer[Length++] = c;
    }

    public void Append(char c, int count)
    {
        if (count <= 0) return;
        if (Length > Room - count) Grow(count);
        _buffer.AsSpan(Length, count).Fill(c);
        Length += count;
    }

    public void Append(ReadOnlySpan<char> text)
    {
        if (Length > Room - text.Length) Grow(text.Length);
        text.CopyTo(_buffer.AsSpan(Length));
        Length += text.Length;
    }

    public void Append(string text) => Append(text.AsSpan());

    /// <summary>Appends a <c>str</c> of either form with its runs.</summary>
    public void AppendText(object text)
    {
        if (text is string plain) { Append(plain.AsSpan()); return; }
        var traced = (TracedText)text;
        foreach (var run in traced.Runs) AddRun(run with { Start = Length + run.Start });
        Append(traced.Text.AsSpan());
    }

    /// <summary>Appends a part of a <c>str</c> of either form with its runs.</summary>
    public void AppendText(object text, int start, int length)
    {
        if (text is string plain) { Append(plain.AsSpan(start, length)); return; }
        var traced = (TracedText)text;
        foreach (var run in traced.Runs)
            if (Texts.Clip(run, start, length) is { } part) AddRun(part with { Start = Length + part.Start });
        Append(traced.Text.AsSpan(start, length));
    }

    /// <summary>Marks the text from <paramref name="start"/> to the end as having the given origin.</summary>
    public void Mark(int start, int message, string field) => AddRun(new TextRun(start, Length - start, message, field));

    public void AddRun(TextRun run)
    {
        _runs ??= [];
        if (_runs.Count > 0 && _runs[^1].TryJoin(run, out var joined)) _runs[^1] = joined;
        else _runs.Add(run);
    }

    /// <summary>The collected <c>str</c>: a plain string where nothing in it is traced.</summary>
    public object ToValue() => _runs is { Count: > 0 } ? new TracedText(ToString(), [.. _runs]) : ToString();

    public void Clear()
    {
        Length = 0;
        _runs = null;
    }

    public ReadOnlySpan<char> Written => _buffer.AsSpan(0, Length);

    public override string ToString() => Length == 0 ? "" : new string(_buffer, 0, Length);

    private int Room => Math.Min(_buffer.Length, limit);

    /// <summary>Gives a pooled buffer back: the builder is empty then. Texts and runs that were taken from it stay.</summary>
    public void Release()
    {
        if (isPooled) ArrayPool<char>.Shared.Return(_buffer);
        (_buffer, Length, _runs) = ([], 0, null);
    }

    private void Grow(int more)
    {
        if ((long)Length + more > limit)
            throw new ChatTemplateException(ChatTemplateException.LimitExceeded, $"it makes a text of more than {limit} UTF-16 code units");
        var length = (int)Math.Min(Math.Max((long)Length + more, 2L * _buffer.Length), Array.MaxLength);
        if (!isPooled)
        {
            Array.Resize(ref _buffer, length);
            return;
        }
        var larger = ArrayPool<char>.Shared.Rent(length);
        Written.CopyTo(larger);
        ArrayPool<char>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
