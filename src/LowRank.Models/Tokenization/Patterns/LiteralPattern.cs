using System.Text;

namespace LowRank.Models.Tokenization.Patterns;

/// <summary>A fixed string.</summary>
internal sealed class LiteralPattern(string literal) : TextPattern
{
    private readonly byte[] _literal = Encoding.UTF8.GetBytes(literal);

    /// <inheritdoc/>
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end)
    {
        var found = text[from..].IndexOf(_literal);
        (start, end) = (from + found, from + found + _literal.Length);
        return found >= 0;
    }
}
