using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Templates;

/// <summary>Generation spans carried over to tokens, against the assistant masks of transformers with SmolLM2's tokenizer.</summary>
public sealed class AssistantMaskGoldenTests
{
    private static readonly Lazy<Tokenizer> SmolLM2 = new(() => Tokenizer.Load(Golden.At("tokenizers", "smollm2", "tokenizer.json")));

    public static IEnumerable<TheoryDataRow<string>> Cases() =>
        Golden.Cases("chat/masks", GenerationSpansGoldenTests.Cases().Select(c => c.Data).Where(n => n.Length > 0),
            _ => File.Exists(Golden.At("tokenizers", "smollm2", "tokenizer.json")) ? null : "tokenizers/smollm2 is absent");

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(Cases))]
    public void Masks_are_those_of_transformers(string name)
    {
        var template = GenerationSpansGoldenTests.Template(name);
        foreach (var row in ChatFixtures.Rows("assistant_masks.jsonl").Where(r => r.GetProperty("template").GetString() == name && !r.TryGetProperty("error", out _)))
        {
            var where = $"{name} {row.GetProperty("conversation").GetString()}";
            var (messages, options) = ChatFixtures.Conversation(row);
            options = options with { ExtraVariables = ChatFixtures.Conversation(row.GetProperty("conversation").GetString()!).Options.ExtraVariables };
            var chat = template.RenderWithSpans(messages, options);
            var tokens = SmolLM2.Value.EncodeWithOffsets(chat.Text);
            Assert.Equal(row.GetProperty("input_ids").EnumerateArray().Select(t => t.GetInt32()), tokens.Ids);

            var mask = new int[tokens.Ids.Length];
            foreach (var (start, end) in chat.GenerationSpans)
            {
                // A token belongs to a span if it holds the span's first or last character or stands between.
                var (first, last) = (Holding(start), Holding(end - 1));
                for (var i = first; first >= 0 && i <= last; i++) mask[i] = 1;
            }
            Assert.Equal((where, string.Join(' ', row.GetProperty("assistant_masks").EnumerateArray().Select(m => m.GetInt32()))), (where, string.Join(' ', mask)));

            int Holding(int character) => Array.FindIndex(tokens.Offsets, o => o.Start <= character && character < o.End);
        }
    }
}
