using System.Text;
using LowRank.Models.Tokenization.Patterns;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.PreTokenization;

/// <summary>When a <see cref="MetaspacePreTokenizer"/> puts its mark before a text.</summary>
internal enum PrependScheme
{
    Always,
    Never,
    First,
}

/// <summary>SentencePiece's way with spaces: each becomes a mark (U+2581), one is put in front, and words begin at a mark.</summary>
internal sealed class MetaspacePreTokenizer(string mark, PrependScheme prepend, bool split) : PreTokenizer
{
    private readonly byte[] _mark = Encoding.UTF8.GetBytes(mark);
    private readonly LiteralPattern _space = new(" ");
    private readonly SplitPreTokenizer? _split = split ? new SplitPreTokenizer(new LiteralPattern(mark), SplitBehavior.MergedWithNext, invert: false) : null;

    /// <summary>Whether it asks where in the original a piece began.</summary>
    public bool NeedsOriginalPlaces => prepend == PrependScheme.First;

    /// <inheritdoc/>
    public override void Apply(WorkingText text, NormalizedText buffer)
    {
        text.Rewrite(buffer, this, static (t, self) => self.Mark(t));
        _split?.Apply(text, buffer);
    }

    private void Mark(NormalizedText text)
    {
        text.Replace(_space, _mark);
        if (prepend == PrependScheme.Never || prepend == PrependScheme.First && text.OriginalStart != 0) return;
        if (!text.Bytes.StartsWith(_mark)) text.Prepend(_mark);
    }
}
