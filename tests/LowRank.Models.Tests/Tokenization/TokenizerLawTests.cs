using System.Text;
using CsCheck;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Tokenization;

/// <summary>What holds for every text, tried on made-up ones.</summary>
public class TokenizerLawTests
{
    private static readonly string[] Scraps =
    [
        "a", "B", "z", "é", "e\u0301", "ß", "中", "한국", "か\u3099", "😀", "👩🏿‍🚀", "𝐁𝐨", "𒀀", "٣", "Ⅷ", "7", "2031", " ", "  ", "\t", "\n", "\r\n", "\u00A0", "\u3000", "\u200B", "'s", "'LL", "'ſ", "'re", "’t",
        ".", "!?", "_", "-", "<", ">", "|", "\u2581", "\uFFFD", "\0", "\u001B[0m", "the", " quiet", "Lamp", "lamp", "<|im_end|>", "<|end|>", "<mask>", " <mask> ", "<right>", "<think>", "</think>", "<s>", "<unk>", "<0x0A>", "Ġ",
        "\uD83D", "\uDE00", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];

    internal static Gen<string> Texts { get; } = Gen.Select(Gen.Int[0, Scraps.Length - 1].Select(i => Scraps[i]).Array[0, 30], Gen.Int[0, 0x10FFFF].Array[0, 3], (scraps, any) =>
        string.Concat(scraps) + string.Concat(any.Where(Rune.IsValid).Select(c => new Rune(c).ToString())));

    /// <summary>The tokenizers of the reference folder; these are no goldens, so they do not count as cases of one.</summary>
    public static IEnumerable<TheoryDataRow<string>> Tokenizers()
    {
        var root = Golden.At("tokenizers");
        var names = !Directory.Exists(root) ? [] : Directory.GetDirectories(root).Where(d => File.Exists(Path.Combine(d, "tokenizer.json"))).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal).ToArray();
        return names.Length == 0 ? [new TheoryDataRow<string>("") { Skip = $"{root} has no tokenizer" }] : names.Select(n => new TheoryDataRow<string>(n));
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Places_and_the_cache_change_no_token(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.At("tokenizers", name));
        var plain = new Tokenizer(tokenizer.Parts, cacheWords: false);
        Texts.Sample(text =>
        {
            var ids = tokenizer.Encode(text);
            Assert.Equal(ids, plain.Encode(text));
            var encoding = tokenizer.EncodeWithOffsets(text);
            Assert.Equal(ids, encoding.Ids);
            Assert.Equal(plain.EncodeWithOffsets(text).Offsets, encoding.Offsets);
            var length = text.EnumerateRunes().Count();
            Assert.All(encoding.Offsets, o => Assert.True(o.Start >= 0 && o.Start <= o.End && o.End <= length, $"{o} of {length}"));
        }, iter: 400);
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Streamed_chunks_join_to_the_decoded_text(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.At("tokenizers", name));
        Texts.Sample(text =>
        {
            var ids = tokenizer.Encode(text);
            var stream = tokenizer.CreateStreamingDecoder();
            var joined = string.Concat(ids.Select(stream.Next));
            // Text that ends in half a character is kept back.
            var decoded = tokenizer.Decode(ids);
            Assert.True(joined == decoded || decoded.EndsWith('\uFFFD') && decoded.StartsWith(joined, StringComparison.Ordinal), $"{joined} is not {decoded}");
        }, iter: 200);
    }

    [Fact]
    public void A_byte_level_tokenizer_without_normalizer_gives_back_every_text()
    {
        Assert.SkipUnless(Directory.Exists(Golden.At("tokenizers", "smollm2")), "the root has no tokenizers/smollm2");
        var tokenizer = Tokenizer.Load(Golden.At("tokenizers", "smollm2"));
        Texts.Sample(text =>
        {
            // The vocabulary lacks the bytes F1 to F3, which the reference drops in silence.
            var utf8 = Encoding.UTF8.GetBytes(text);
            if (utf8.All(b => tokenizer.TokenToId(Models.Tokenization.Bpe.ByteAlphabet.ToChar(b).ToString()) is not null))
                Assert.Equal(Encoding.UTF8.GetString(utf8), tokenizer.Decode(tokenizer.Encode(text)));
        }, iter: 1000);
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Many_threads_get_the_same_tokens(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.At("tokenizers", name));
        var texts = Enumerable.Range(0, 200).Select(i => string.Concat(Enumerable.Range(0, 20).Select(j => Scraps[(i * 31 + j * j * 7) % Scraps.Length]))).ToArray();
        var expected = texts.Select(t => tokenizer.Encode(t)).ToArray();
        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => Assert.Equal(expected[i % texts.Length], tokenizer.Encode(texts[i % texts.Length])));
    }
}
