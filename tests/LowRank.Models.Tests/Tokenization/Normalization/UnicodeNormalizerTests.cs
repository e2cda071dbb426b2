using System.Text;
using CsCheck;
using LowRank.Models.Tokenization.Normalization;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tests.Tokenization.Normalization;

public class UnicodeNormalizerTests
{
    // Assigned long before Unicode 9.0, so that the runtime's newer tables say the same.
    private static readonly (int First, int Last)[] Blocks =
        [(0x20, 0x24F), (0x300, 0x36F), (0x370, 0x3CE), (0x5D0, 0x5EA), (0x591, 0x5BD), (0x915, 0x94D), (0x9BE, 0x9CC), (0xE01, 0xE3A), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2), (0x1E00, 0x1EF9),
         (0x1F00, 0x1F15), (0x2126, 0x212B), (0x2150, 0x215F), (0x3041, 0x309A), (0x30A1, 0x30FA), (0xAC00, 0xAC40), (0xF900, 0xF920), (0xFB00, 0xFB06), (0xFB1D, 0xFB36), (0xFF10, 0xFF5E), (0x1D15E, 0x1D164), (0x1D400, 0x1D420), (0x2F800, 0x2F810)];

    [Theory]
    [InlineData(true, false, NormalizationForm.FormC)]
    [InlineData(false, false, NormalizationForm.FormD)]
    [InlineData(true, true, NormalizationForm.FormKC)]
    [InlineData(false, true, NormalizationForm.FormKD)]
    public void Equals_that_of_the_runtime_where_it_has_one(bool compose, bool compatible, NormalizationForm form)
    {
        Assert.SkipUnless("e\u0301".Normalize(NormalizationForm.FormC) == "é", "this runtime has no ICU and does not normalize");
        var normalizer = new UnicodeNormalizer(compose, compatible);
        Gen.Select(Gen.Int[0, Blocks.Length - 1], Gen.Int[0, 1000]).Select(p => Blocks[p.Item1].First + p.Item2 % (Blocks[p.Item1].Last - Blocks[p.Item1].First + 1)).Array[1, 12].Sample(points =>
        {
            var text = string.Concat(points.Select(c => new Rune(c).ToString()));
            Assert.Equal(text.Normalize(form), Apply(normalizer, text).Text);
        }, iter: 20_000);
    }

    [Theory]
    [InlineData("cafe\u0301!", "café!", "0-1 1-2 2-3 3-4 5-6")]
    [InlineData("a\u0323\u0302b", "\u1EADb", "0-1 3-4")]
    [InlineData("\u1112\u1161\u11AB", "한", "0-1")]
    public void Places_are_those_of_the_reference(string text, string expected, string places)
    {
        var (normalized, got) = Apply(new UnicodeNormalizer(compose: true, compatible: false), text);
        Assert.Equal(expected, normalized);
        Assert.Equal(places, got);
    }

    /// <summary>The normalized text, and for each of its code points the code points it stands for.</summary>
    internal static (string Text, string Places) Apply(Normalizer normalizer, string text)
    {
        var working = new WorkingText();
        working.Reset(text, keepAlignment: true);
        working.Rewrite(new NormalizedText(), normalizer, static (t, n) => n.Apply(t));
        var places = new List<string>();
        for (int i = 0, length; i < working.Bytes.Length; i += length)
        {
            Utf8.At(working.Bytes, i, out length);
            var (start, end) = working.OriginalCodePoints(i, i + length);
            places.Add($"{start}-{end}");
        }
        return (Encoding.UTF8.GetString(working.Bytes), string.Join(' ', places));
    }
}
