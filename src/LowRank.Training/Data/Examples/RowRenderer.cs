using System.Text;
using System.Text.Json;
using LowRank.Models.Templates;

namespace LowRank.Training.Data;

/// <summary>Turns a row into text and finds in it, by position, what is to be learned.</summary>
internal sealed class RowRenderer(ChatTemplate? template, IReadOnlyList<string> specialTokens, ExampleOptions options)
{
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails on it.</exception>
    /// <exception cref="LowRankException">The row is a conversation and there is no template.</exception>
    public RowText Render(DataRow row)
    {
        if (row.Text is { } text) return new RowText(text, [(0, CodePoints(text))], IsComplete: false);
        if (row.Messages is { } messages)
            return Chat([.. messages.EnumerateArray().Select(ChatMessage.FromJson)], row.Learned, row.Tools);
        var (prompt, completion) = (row.Prompt!, row.Completion!);
        if (template is not null) return Chat([new ChatMessage("user", prompt), new ChatMessage("assistant", completion)], [false, true], null);
        var start = CodePoints(prompt);
        return new RowText(prompt + completion, [(options.TrainOn == TrainOn.All ? 0 : start, start + CodePoints(completion))], IsComplete: false);
    }

    private RowText Chat(ChatMessage[] messages, IReadOnlyList<bool> learned, JsonElement? tools)
    {
        if (template is null)
            throw new LowRankException("the row is a conversation, and the model has no chat template; use an instruct model, give a template, or make rows of prompt and completion");
        var chat = Run(template, messages, new ChatTemplateOptions { Tools = tools });
        if (options.TrainOn == TrainOn.All) return new RowText(chat.Text, [(0, CodePoints(chat.Text))], IsComplete: true);
        var spans = chat.AssistantSpans(specialTokens).Where(s => learned[s.MessageIndex]).ToList();
        if (options.TrainOn == TrainOn.Last && spans.Count > 0)
        {
            var last = spans.Max(s => s.MessageIndex);
            spans.RemoveAll(s => s.MessageIndex != last);
        }
        // A template without tools prints an empty turn where the call was: learning it would teach the model to say nothing.
        var lost = spans.RemoveAll(s => ToolCallNames.Missing(messages[s.MessageIndex], chat.Text));
        // Templates of thinking models leave out the reasoning of turns before the last question; that is how the model will see them, and no loss to tell.
        var final = spans.Count == 0 ? -1 : spans.Max(s => s.MessageIndex);
        var thoughtless = final >= 0 && messages.Skip(final + 1).All(m => m.Role != "user") && HasUnprintedThought(messages[final], chat.Text) ? 1 : 0;
        var separator = options.LearnTurnSeparator && !chat.HasGenerationTag;
        return new RowText(chat.Text, [.. spans.Select(s => (s.Start, separator ? BehindSeparator(chat, s.End) : s.End))], IsComplete: true, lost, thoughtless);
    }

    private static bool HasUnprintedThought(ChatMessage message, string text)
    {
        foreach (var name in Formats.MessageList.Reasoning)
            if (message.Fields.GetValueOrDefault(name)?.ToString()?.Trim() is { Length: > 0 } thought) return !text.Contains(thought, StringComparison.Ordinal);
        return false;
    }

    /// <summary>
    /// Renders as Transformers does; where that fails because a message has null as its content (it calls tools) and the template joins
    /// contents to other text, the content is taken as empty.
    /// </summary>
    private static RenderedChat Run(ChatTemplate template, ChatMessage[] messages, ChatTemplateOptions settings)
    {
        try
        {
            return template.RenderWithSpans(messages, settings);
        }
        catch (ChatTemplateException fault) when (fault.Kind == "TypeError" && Array.Exists(messages, IsNull))
        {
            return template.RenderWithSpans(Array.ConvertAll(messages, m => IsNull(m) ? m.With("content", "") : m), settings);
        }

        static bool IsNull(ChatMessage message) => message.Content is null or JsonElement { ValueKind: JsonValueKind.Null };
    }

    /// <summary>Behind the white space that follows a turn, at the latest where a message's own text begins.</summary>
    private static int BehindSeparator(RenderedChat chat, int end)
    {
        var limit = chat.Origins.Where(o => o.Start >= end).Select(o => (int?)o.Start).FirstOrDefault() ?? int.MaxValue;
        var at = 0;
        foreach (var rune in chat.Text.EnumerateRunes())
        {
            if (at >= end && (at >= limit || !Rune.IsWhiteSpace(rune))) return at;
            at++;
        }
        return at;
    }

    /// <summary>The length in code points.</summary>
    private static int CodePoints(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }
}
