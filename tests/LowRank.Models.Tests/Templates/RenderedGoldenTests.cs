using LowRank.Models.Templates;
using LowRank.Testing;

namespace LowRank.Models.Tests.Templates;

/// <summary>Templates of real models over conversations of all shapes, against transformers: every character equal.</summary>
public sealed class RenderedGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases() => Golden.Cases("chat/rendered", "chat/rendered", "*.jsonl");

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(Cases))]
    public void Renders_as_transformers_does(string name)
    {
        var template = ChatFixtures.Template(name);
        foreach (var row in ChatFixtures.Rows("rendered", name + ".jsonl"))
        {
            var conversation = row.GetProperty("conversation").GetString()!;
            var (messages, options) = ChatFixtures.Conversation(conversation);
            if (row.TryGetProperty("error", out var error))
            {
                ChatFixtures.ExpectError(error, () => template.Render(messages, options), $"{name} {conversation}");
                continue;
            }
            var expected = row.GetProperty("rendered").GetString()!;
            Assert.Equal(($"{name} {conversation}", expected), ($"{name} {conversation}", template.Render(messages, options)));
            // Knowing where the text came from must not change it.
            Assert.Equal(expected, template.RenderWithSpans(messages, options).Text);
        }
    }
}
