using System.Text;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Tests.Tokenization.Normalization;

/// <summary>SentencePiece's compiled rules, on a map made here; expectations follow the Rust sources of tokenizers 0.23 and spm_precompiled.</summary>
public class PrecompiledNormalizerTests
{
    [Theory]
    [InlineData("xyz", "xyz", "0-1 1-2 2-3")]
    [InlineData("ﬁx", "fix", "0-1 0-1 1-2")] // one becomes two: both stand at its place
    [InlineData("a\tb", "a b", "0-1 1-2 2-3")]
    [InlineData("a\u0301b", "áb", "0-1 2-3")] // a whole character of two code points has the place of the first
    [InlineData("\u200Bab", "ab", "0-1 1-2")] // what goes away at the beginning shifts the places, as there
    [InlineData("a\u200Bb", "ab", "0-1 2-3")]
    [InlineData("👩🏿x", "👩🏿x", "0-1 1-2 2-3")] // longer than five bytes: by code point
    public void Rules_are_applied_as_the_reference_does(string text, string expected, string places)
    {
        var map = Map(("ﬁ", "fi"), ("\t", " "), ("a\u0301", "á"), ("\u200B", ""));
        var characters = expected.EnumerateRunes().Select(r => r.ToString()).Distinct().ToArray();
        var vocabulary = string.Join(", ", characters.Select(c => $"[{System.Text.Json.JsonSerializer.Serialize(c)}, -1.0]"));
        var json = $$"""{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "{{Convert.ToBase64String(map)}}"}, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], {{vocabulary}}] } }""";
        var tokenizer = Tokenizer.FromJson(Encoding.UTF8.GetBytes(json), "made up");
        var encoding = tokenizer.EncodeWithOffsets(text);
        Assert.Equal(expected, string.Concat(encoding.Ids.Select(tokenizer.IdToToken)));
        Assert.Equal(places, string.Join(' ', encoding.Offsets.Select(o => $"{o.Start}-{o.End}")));
        Assert.Equal(encoding.Ids, tokenizer.Encode(text));
    }

    /// <summary>A double-array trie in the form of Darts-clone, a block of 256 units for each node, and the replacements behind it.</summary>
    private static byte[] Map(params (string From, string To)[] rules)
    {
        var replacements = new List<byte>();
        var nodes = new List<(uint Unit, Dictionary<byte, int> Children, int Value)> { (0, [], -1) };
        foreach (var (from, to) in rules)
        {
            var node = 0;
            foreach (var b in Encoding.UTF8.GetBytes(from))
            {
                if (!nodes[node].Children.TryGetValue(b, out var next))
                {
                    nodes[node].Children.Add(b, next = nodes.Count);
                    nodes.Add((0, [], -1));
                }
                node = next;
            }
            nodes[node] = nodes[node] with { Value = replacements.Count };
            replacements.AddRange([.. Encoding.UTF8.GetBytes(to), 0]);
        }
        var units = new uint[(nodes.Count + 1) * 256];
        Place(node: 0, at: 0);
        return [.. BitConverter.GetBytes(units.Length * 4), .. units.SelectMany(BitConverter.GetBytes), .. replacements];

        void Place(int node, uint at)
        {
            var block = (uint)(node + 1) * 256;
            var value = nodes[node].Value;
            units[at] |= (at ^ block) << 10 | (value >= 0 ? 1u << 8 : 0);
            if (value >= 0) units[block] = 1u << 31 | (uint)value;
            foreach (var (label, child) in nodes[node].Children)
            {
                units[block + label] = label;
                Place(child, block + label);
            }
        }
    }
}
