using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.PreTokenization;

/// <summary>Cuts into parts of so many code points.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(WorkingText text, NormalizedText buffer) => text.Split(length, static (t, piece, length) =>
    {
        var start = piece.Start;
        while (start < piece.End)
        {
            var end = start;
            for (var n = 0; n < length && end < piece.End; n++) end += Utf8.LengthAt(t.Bytes, end);
            t.Emit(start, end);
            start = end;
        }
    });
}
