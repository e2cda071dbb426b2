using System.Text;
using LowRank.Models.Tokenization.Normalization;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization;

/// <summary>
/// The added tokens of a tokenizer, and how they are cut out of a text: first those that are looked for as they are, then, after
/// normalization, those that are looked for in normalized form. It follows added_vocabulary.rs of Hugging Face tokenizers 0.23.
/// </summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<string, int> _idOf = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _normalizedForm = [];
    private readonly HashSet<string> _specialContents = new(StringComparer.Ordinal);
    private readonly TokenTrie _plain = new();
    private readonly TokenTrie _normalized = new();
    private readonly Normalizer? _normalizer;

    /// <summary>Adds the tokens in the order of the file. As in the reference, the ids in the file do not count: the model's or the next free one does.</summary>
    public AddedVocabulary(IEnumerable<AddedToken> tokens, TokenModel model, Normalizer? normalizer)
    {
        _normalizer = normalizer;
        var next = model.VocabularySize;
        foreach (var token in tokens)
        {
            if (token.Content.Length == 0) continue;
            if (!_idOf.TryGetValue(token.Content, out var id) && (id = model.Tokens.Find(token.Content)) < 0) id = next++;
            if (token.Normalized && Normalize(token.Content) is var form && form != token.Content) _normalizedForm[id] = form;
            _idOf[token.Content] = id;
            if (token.Special) _specialContents.Add(token.Content);
            _byId[id] = token with { Id = id };
        }
        foreach (var token in _byId.Values)
        {
            if (token.Normalized) _normalized.Add(_normalizedForm.GetValueOrDefault(token.Id, token.Content), token.Id);
            else _plain.Add(token.Content, token.Id);
        }
        _plain.Freeze();
        _normalized.Freeze();
        Tokens = [.. _byId.Values.OrderBy(t => t.Id)];
    }

    /// <summary>The tokens in the order of their ids.</summary>
    public IReadOnlyList<AddedToken> Tokens { get; }

    /// <summary>The id of an added token.</summary>
    public bool TryGetId(string content, out int id) => _idOf.TryGetValue(content, out id);

    /// <summary>The text that stands for an added token when it is decoded.</summary>
    public string? TextOf(int id) => _byId.TryGetValue(id, out var token) ? _normalizedForm.GetValueOrDefault(id, token.Content) : null;

    /// <summary>Whether this token text is left out when special tokens are skipped.</summary>
    public bool IsSpecialText(string text) => _specialContents.Contains(text);

    /// <summary>Whether this id is an added token marked as special.</summary>
    public bool IsSpecial(int id) => _byId.TryGetValue(id, out var token) && token.Special;

    /// <summary>Cuts the added tokens out of <paramref name="text"/> and normalizes the rest.</summary>
    public void Extract(WorkingText text, NormalizedText buffer)
    {
        if (!_plain.IsEmpty) text.Split(this, static (t, piece, self) => self.Cut(t, piece, self._plain));
        if (_normalizer is not null)
        {
            if (AnyChanges(text)) text.Rewrite(buffer, _normalizer, static (t, normalizer) => normalizer.Apply(t));
            if (!text.IsOriginal && _normalized.IsEmpty) text.Split(this, static (t, piece, _) => t.Emit(piece.Start, piece.End));
        }
        if (!_normalized.IsEmpty) text.Split(this, static (t, piece, self) => self.Cut(t, piece, self._normalized));
    }

    private bool AnyChanges(WorkingText text)
    {
        foreach (var piece in text.Pieces)
            if (piece.TokenId == Piece.NoToken && !_normalizer!.LeavesAlone(text.Bytes[piece.Start..piece.End])) return true;
        return false;
    }

    private void Cut(WorkingText text, Piece piece, TokenTrie trie)
    {
        var bytes = text.Bytes[piece.Start..piece.End];
        var done = 0;
        for (var from = 0; trie.TryFind(bytes, from, out var start, out var end, out var id);)
        {
            from = end;
            var token = _byId[id];
            if (token.SingleWord && (EndsInWord(bytes[..start]) || BeginsWithWord(bytes[end..]))) continue;
            // The white space that a token takes may belong to the token before already.
            if (token.LeftStrip) start = Math.Min(Math.Max(SpaceBefore(bytes, start), done), end);
            if (token.RightStrip) end = CharacterClasses.RunEnd(bytes, end, CharacterClass.Space);
            if (done < start) text.Emit(piece.Start + done, piece.Start + start);
            text.Emit(piece.Start + start, piece.Start + end, id);
            done = end;
        }
        if (done != bytes.Length) text.Emit(piece.Start + done, piece.End);
    }

    private static bool EndsInWord(ReadOnlySpan<byte> text) => !text.IsEmpty && CodePoint.IsWordOrJoiner(Utf8.Last(text));

    private static bool BeginsWithWord(ReadOnlySpan<byte> text) => !text.IsEmpty && CodePoint.IsWordOrJoiner(Utf8.At(text, 0, out _));

    private static int SpaceBefore(ReadOnlySpan<byte> text, int end)
    {
        while (end > 0)
        {
            var start = Utf8.StartBefore(text, end);
            if (!CodePoint.IsWhiteSpace(Utf8.At(text, start, out _))) break;
            end = start;
        }
        return end;
    }

    private string Normalize(string content)
    {
        if (_normalizer is null) return content;
        var text = new WorkingText();
        text.Reset(content, keepAlignment: false);
        var buffer = new NormalizedText();
        text.Rewrite(buffer, _normalizer, static (t, normalizer) => normalizer.Apply(t));
        return Encoding.UTF8.GetString(text.Bytes);
    }
}
