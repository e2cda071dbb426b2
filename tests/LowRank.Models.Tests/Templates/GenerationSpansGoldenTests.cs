using LowRank.Models.Templates;
using LowRank.Testing;

namespace LowRank.Models.Tests.Templates;

/// <summary>What generation tags enclose, against the character ranges that transformers counts.</summary>
public sealed class GenerationSpansGoldenTests
{
    // The tokens of SmolLM2's tokenizer, with which the reference was made whatever the template's family.
    private static readonly Dictionary<string, object?> Tokens = new()
    {
        ["bos_token"] = "<|im_start|>", ["eos_token"] = "<|im_end|>", ["unk_token"] = "<|endoftext|>", ["pad_token"] = "<|im_end|>",
    };

    public static IEnumerable<TheoryDataRow<string>> Cases() =>
        Golden.Cases("chat/spans", ChatFixtures.Has("assistant_masks.jsonl")
            ? ChatFixtures.Rows("assistant_masks.jsonl").Select(r => r.GetProperty("template").GetString()!).Distinct().Where(n => Source(n) is not null) : []);

    internal static string? Source(string name) =>
        ChatFixtures.Has("generation-templates", name + ".jinja") ? File.ReadAllText(Golden.At("chat", "generation-templates", name + ".jinja"))
        : ChatFixtures.Has("own-generation-templates.json") && ChatFixtures.Read("own-generation-templates.json").TryGetProperty(name, out var own) ? own.GetString()
        : null;

    internal static ChatTemplate Template(string name) => new(Source(name)!, Tokens);

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(Cases))]
    public void Spans_are_those_of_transformers(string name)
    {
        var template = Template(name);
        foreach (var row in ChatFixtures.Rows("assistant_masks.jsonl").Where(r => r.GetProperty("template").GetString() == name))
        {
            var where = $"{name} {row.GetProperty("conversation").GetString()}";
            var (messages, options) = ChatFixtures.Conversation(row);
            options = options with { ExtraVariables = ChatFixtures.Conversation(row.GetProperty("conversation").GetString()!).Options.ExtraVariables };
            if (row.TryGetProperty("error", out var error))
            {
                ChatFixtures.ExpectError(error, () => template.RenderWithSpans(messages, options), where);
                continue;
            }
            var chat = template.RenderWithSpans(messages, options);
            Assert.Equal((where, row.GetProperty("rendered").GetString()), (where, chat.Text));
            Assert.Equal(row.GetProperty("spans").EnumerateArray().Select(s => (s[0].GetInt32(), s[1].GetInt32())), chat.GenerationSpans);
        }
    }
}
