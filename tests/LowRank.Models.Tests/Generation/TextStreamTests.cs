using CsCheck;
using LowRank.Models.Generation;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Generation;

/// <summary>Stop texts in text that comes in pieces.</summary>
public sealed class TextStreamTests
{
    private static readonly Tokenizer Words = Tokenizer.Load(Golden.At("tokenizers", "synthetic-bytelevel", "tokenizer.json"));

    private static readonly string[] Alphabet = ["a", "b", "c", " ", "é", "😀", "\n"];

    private static Gen<string> Texts(int shortest, int longest) => Gen.Int[0, 6].Select(i => Alphabet[i]).Array[shortest, longest].Select(string.Concat);

    [Fact]
    public void The_text_ends_before_the_first_stop_text_and_nothing_of_it_is_shown() =>
        Gen.Select(Texts(0, 30), Texts(1, 4).List[0, 3]).Sample((text, stops) =>
        {
            var stream = new TextStream(Words, stops, []);
            var shown = "";
            foreach (var id in Words.Encode(text))
            {
                shown += stream.Next(id);
                if (stream.IsStopped) break;
            }
            shown += stream.Rest();
            var all = Words.Decode(Words.Encode(text), skipSpecialTokens: true);
            // The first stop text that is complete ends the text: an earlier one that is not complete yet would need tokens that are never made.
            var (decoder, seen, ends) = (Words.CreateStreamingDecoder(skipSpecialTokens: true), "", new List<int>());
            foreach (var id in Words.Encode(text))
            {
                seen += decoder.Next(id);
                ends = [.. stops.Select(s => seen.IndexOf(s, StringComparison.Ordinal)).Where(at => at >= 0)];
                if (ends.Count > 0) break;
            }
            Assert.Equal(ends.Count > 0, stream.IsStopped);
            Assert.Equal(ends.Count > 0 ? all[..ends.Min()] : all, shown);
        });

    [Fact]
    public void A_continuation_keeps_the_space_before_its_first_word()
    {
        var words = Tokenizer.Load(Golden.At("tokenizers", "synthetic-metaspace", "tokenizer.json"));
        var ids = words.Encode("the low rank of the matrix");
        var whole = words.Decode(ids);
        for (var cut = 1; cut < ids.Length; cut++)
        {
            var stream = new TextStream(words, [], ids.AsSpan(0, cut));
            var shown = string.Concat(ids.Skip(cut).Select(stream.Next)) + stream.Rest();
            Assert.Equal(whole, words.Decode(ids.AsSpan(0, cut)) + shown);
        }
    }

    [Fact]
    public void An_unfinished_character_is_shown_as_replacement_at_the_end()
    {
        var ids = Words.Encode("a😀");
        var stream = new TextStream(Words, [], []);
        var shown = string.Concat(ids.SkipLast(1).Select(stream.Next));
        Assert.Equal("a", shown);
        Assert.Equal(Words.Decode([.. ids.SkipLast(1)])[1..], stream.Rest());
    }
}
