using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Patterns;

/// <summary>A single code point that has some property.</summary>
internal sealed class CodePointPattern : TextPattern
{
    private readonly bool[] _ascii = new bool[128];
    private readonly Func<int, bool> _test;

    public CodePointPattern(Func<int, bool> test)
    {
        _test = test;
        for (var c = 0; c < 128; c++) _ascii[c] = test(c);
    }

    /// <inheritdoc/>
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end)
    {
        int length;
        for (start = from; start < text.Length; start += length)
        {
            var b = text[start];
            length = 1;
            if (b < 0x80 ? !_ascii[b] : !_test(Utf8.At(text, start, out length))) continue;
            end = start + length;
            return true;
        }
        end = start;
        return false;
    }
}
