using System.Text.RegularExpressions;
using LowRank.Models.Templates;
using LowRank.Testing;

namespace LowRank.Models.Tests.Templates;

/// <summary>
/// What a trainer supervises, on all templates with all conversations: laws that hold whatever the template, and agreement with
/// generation tags where a template has them.
/// </summary>
public sealed class AssistantSpansGoldenTests
{
    private static readonly string[] Special =
    [
        "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<s>", "</s>", "[INST]", "[/INST]",
        "<start_of_turn>", "<end_of_turn>", "<|end|>", "<|user|>", "<|assistant|>", "<|start|>", "<|channel|>", "<|message|>", "<|call|>", "<|return|>",
        "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>", "<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>",
    ];

    public static IEnumerable<TheoryDataRow<string>> Templates() => Golden.Cases("chat/provenance", ChatFixtures.TemplateNames());

    public static IEnumerable<TheoryDataRow<string>> TaggedTemplates() =>
        Golden.Cases("chat/provenance-tags", GenerationSpansGoldenTests.Cases().Select(c => c.Data).Where(n => n.Length > 0 && GenerationSpansGoldenTests.Template(n).HasGenerationTag));

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(Templates))]
    public void Spans_hold_the_assistant_and_nobody_else(string name)
    {
        var template = ChatFixtures.Template(name);
        foreach (var conversation in ChatFixtures.ConversationNames())
        {
            var (messages, options) = ChatFixtures.Conversation(conversation);
            if (Rendered(template, messages, options) is not { } chat) continue;
            var spans = chat.AssistantSpans(Special);
            var where = $"{name} {conversation}: {string.Join(" | ", spans.Select(s => Part(chat, s.Start, s.End)))}";

            for (var i = 0; i < spans.Count; i++)
            {
                Assert.True(spans[i].Start < spans[i].End, where);
                Assert.True(i == 0 || (spans[i - 1].End <= spans[i].Start && spans[i - 1].MessageIndex < spans[i].MessageIndex), where);
                Assert.Equal("assistant", messages[spans[i].MessageIndex].Role);
            }
            foreach (var origin in chat.Origins)
            {
                var inside = spans.Where(s => s.Start < origin.End && origin.Start < s.End).ToArray();
                if (messages[origin.MessageIndex].Role != "assistant") Assert.True(inside.Length == 0, $"{where} holds {Part(chat, origin.Start, origin.End)}");
                else if (origin.Field is "content" or "reasoning_content")
                    Assert.True(inside is [var own] && own.MessageIndex == origin.MessageIndex && own.Start <= origin.Start && origin.End <= own.End, $"{where} lacks {Part(chat, origin.Start, origin.End)}");
            }
            // Where the conversation goes on, each turn ends with a token that ends it.
            foreach (var span in spans.Where(s => s.MessageIndex < messages.Length - 1))
                Assert.True(Array.Exists(Special, t => Part(chat, span.Start, span.End).EndsWith(t, StringComparison.Ordinal)), where);
        }
    }

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(TaggedTemplates))]
    public void Spans_differ_from_generation_tags_only_in_the_templates_own_text(string name)
    {
        // The same template without its tags: what it prints stays the same.
        var source = GenerationSpansGoldenTests.Source(name)!;
        var untagged = new ChatTemplate(
            Regex.Replace(Regex.Replace(source, @"\{%(-?)\s*generation\s*(-?)%\}", "{%$1 if true $2%}"), @"\{%(-?)\s*endgeneration\s*(-?)%\}", "{%$1 endif $2%}"),
            new Dictionary<string, object?> { ["bos_token"] = "<|im_start|>", ["eos_token"] = "<|im_end|>" });
        foreach (var conversation in ChatFixtures.ConversationNames())
        {
            var (messages, options) = ChatFixtures.Conversation(conversation);
            if (Rendered(GenerationSpansGoldenTests.Template(name), messages, options) is not { } tagged || Rendered(untagged, messages, options) is not { } plain) continue;
            Assert.Equal(tagged.Text, plain.Text);
            var found = plain.AssistantSpans(Special).ToDictionary(s => s.MessageIndex);
            foreach (var tags in tagged.AssistantSpans(Special).GroupBy(s => s.MessageIndex))
            {
                if (!found.TryGetValue(tags.Key, out var span)) continue;
                var (start, end) = (tags.Min(t => t.Start), tags.Max(t => t.End));
                var where = $"{name} {conversation}: tags {Part(plain, start, end)}, found {Part(plain, span.Start, span.End)}";
                foreach (var (from, to) in ((int, int)[])[(Math.Min(start, span.Start), Math.Max(start, span.Start)), (Math.Min(end, span.End), Math.Max(end, span.End))])
                    Assert.True(!plain.Origins.Any(o => o.Field != "name" && o.Field != "tool_calls" && o.Start < to && from < o.End), where);
            }
        }
    }

    private static RenderedChat? Rendered(ChatTemplate template, ChatMessage[] messages, ChatTemplateOptions options)
    {
        try
        {
            return template.RenderWithSpans(messages, options);
        }
        catch (ChatTemplateException)
        {
            // The rendering goldens say which conversations a template refuses.
            return null;
        }
    }

    private static string Part(RenderedChat chat, int start, int end) => string.Concat(chat.Text.EnumerateRunes().Skip(start).Take(end - start).Select(r => r.ToString()));
}
