using System.Text;
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

    private RowText Chat(ChatMessage[] messages, IReadOnlyList<bool> learned, System.Text.Json.JsonElement? tools)
    {
        if (template is null)
            throw new LowRankException("the row is a conversation, and the model has no chat template; use an instruct model, give a template, or make rows of prompt and completion");
        var settings = new ChatTemplateOptions { Tools = tools };
        if (options.TrainOn == TrainOn.All)
        {
            var all = template.Render(messages, settings);
            return new RowText(all, [(0, CodePoints(all))], IsComplete: true);
        }
        var chat = template.RenderWithSpans(messages, settings);
        var spans = chat.AssistantSpans(specialTokens).Where(s => learned[s.MessageIndex]).ToList();
        if (options.TrainOn == TrainOn.Last && spans.Count > 0)
        {
            var last = spans.Max(s => s.MessageIndex);
            spans.RemoveAll(s => s.MessageIndex != last);
        }
        var separator = options.LearnTurnSeparator && !chat.HasGenerationTag;
        return new RowText(chat.Text, [.. spans.Select(s => (s.Start, separator ? BehindSeparator(chat, s.End) : s.End))], IsComplete: true);
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
