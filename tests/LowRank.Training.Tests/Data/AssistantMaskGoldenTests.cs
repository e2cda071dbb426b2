using System.Text.Json;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>fixtures/chat/assistant_masks.jsonl: from the spans of generation tags to the tokens that are learned.</summary>
public sealed class AssistantMaskGoldenTests
{
    private static readonly string Tokenizers = Golden.At("tokenizers", "smollm2");

    public static IEnumerable<TheoryDataRow<string>> Files() => Golden.Cases("data/masks", "chat", "assistant_masks.jsonl", _ =>
        Directory.Exists(Tokenizers) ? null : "absent: the tokenizer of smollm2");

    [Theory, Trait("Category", "Golden"), MemberData(nameof(Files))]
    public void Masks_follow_from_spans(string name)
    {
        var tokenizer = Tokenizer.Load(Tokenizers);
        foreach (var line in File.ReadAllText(Golden.At("chat", name + ".jsonl")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var row = JsonElement.Parse(line);
            if (row.TryGetProperty("error", out _)) continue;
            var encoding = tokenizer.EncodeWithOffsets(row.GetProperty("rendered").GetString()!);
            Assert.Equal(row.GetProperty("input_ids").EnumerateArray().Select(i => i.GetInt32()), encoding.Ids);
            var spans = row.GetProperty("spans").EnumerateArray().Select(s => (s[0].GetInt32(), s[1].GetInt32())).Order().ToArray();
            var expected = string.Concat(row.GetProperty("assistant_masks").EnumerateArray().Select(m => m.GetInt32()));
            var actual = string.Concat(SpanMask.Mark(encoding.Offsets, spans).Select(m => m ? 1 : 0));
            Assert.Equal((row.GetProperty("template").GetString(), row.GetProperty("conversation").GetString(), expected),
                (row.GetProperty("template").GetString(), row.GetProperty("conversation").GetString(), actual));
        }
    }
}
