namespace LowRank.Models.Tokenization.Patterns;

/// <summary>Something that is looked for in valid UTF-8. Immutable; used by many threads at once.</summary>
internal abstract class TextPattern
{
    /// <summary>Finds the leftmost match that begins at or after <paramref name="from"/>.</summary>
    public abstract bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end);
}

/// <summary>Walks over all matches, as the find iterator of the reference's regex engine does: an empty match right after a match does not count.</summary>
internal struct MatchCursor
{
    private int _from;
    private int _lastEndPlusOne;

    /// <summary>The next match, if there is one. An empty text has none.</summary>
    public bool Next(TextPattern pattern, ReadOnlySpan<byte> text, out int start, out int end)
    {
        while (text.Length > 0 && _from <= text.Length && pattern.TryFind(text, _from, out start, out end))
        {
            if (start == end && end + 1 == _lastEndPlusOne)
            {
                _from += _from < text.Length ? Text.Utf8.LengthAt(text, _from) : 1;
                continue;
            }
            _from = end;
            _lastEndPlusOne = end + 1;
            return true;
        }
        start = end = 0;
        return false;
    }
}
