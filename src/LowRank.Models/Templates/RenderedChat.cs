using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates;

/// <summary>A rendered conversation with the places of its parts. All offsets are Unicode code points, ends exclusive.</summary>
public sealed class RenderedChat
{
    private readonly ChatTemplate _template;
    private readonly IReadOnlyList<ChatMessage> _messages;
    private readonly ChatTemplateOptions _options;

    internal RenderedChat(ChatTemplate template, IReadOnlyList<ChatMessage> messages, ChatTemplateOptions options, string text, IReadOnlyList<TextRun> runs)
    {
        (_template, _messages, _options, Text) = (template, messages, options, text);
        var toCodePoint = CodePointMap(text);
        var (origins, generated) = (new List<TextOrigin>(), new List<(int, int)>());
        foreach (var run in runs)
        {
            // A final message to be continued ends before what the template printed last.
            if (run.Start > text.Length || (run.Start == text.Length && run.Length > 0)) continue;
            var (start, end) = (toCodePoint(run.Start), toCodePoint(Math.Min(run.End, text.Length)));
            if (run.Message == TextRun.Generation) generated.Add((start, end));
            else if (end > start) origins.Add(new TextOrigin(start, end, run.Message, run.Field));
        }
        origins.Sort((a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.MessageIndex.CompareTo(b.MessageIndex));
        (Origins, GenerationSpans) = (origins, generated);
    }

    /// <summary>The text.</summary>
    public string Text { get; }

    /// <summary>The template has <c>{% generation %}</c> tags; then they alone say what the assistant generated.</summary>
    public bool HasGenerationTag => _template.HasGenerationTag;

    /// <summary>What stood in <c>{% generation %}</c> tags, in the order in which it was printed. Empty ones are kept, as transformers does.</summary>
    public IReadOnlyList<(int Start, int End)> GenerationSpans { get; }

    /// <summary>The parts of the text that came from messages, from front to back.</summary>
    public IReadOnlyList<TextOrigin> Origins { get; }

    /// <summary>
    /// What to train on: for each assistant message that the template printed, the span from where the model begins to write to behind its
    /// end-of-turn token, in order. With generation tags exactly their spans.
    /// </summary>
    /// <remarks>
    /// Without tags the span begins where the text of the messages before, rendered with a generation prompt, ends; where that is no
    /// beginning of this text, behind as much of the generation prompt as stands before the message; at the latest with the message's
    /// first own character. It ends behind the first special token after the message's last own character, or with that character where
    /// none comes before the next message.
    /// </remarks>
    /// <param name="specialTokens">The strings of the tokenizer's special tokens, among them those that end a turn.</param>
    public IReadOnlyList<(int Start, int End, int MessageIndex)> AssistantSpans(IEnumerable<string> specialTokens)
    {
        ArgumentNullException.ThrowIfNull(specialTokens);
        return HasGenerationTag ? FromTags() : new SupervisedSpans(_template, _messages, _options, this, specialTokens).Find();
    }

    private List<(int Start, int End, int MessageIndex)> FromTags()
    {
        var spans = new List<(int Start, int End, int MessageIndex)>();
        foreach (var (start, end) in GenerationSpans.OrderBy(s => s.Start))
            if (end > start) spans.Add((start, end, MessageOf(start, end)));
        return spans;
    }

    private int MessageOf(int start, int end)
    {
        foreach (var origin in Origins)
            if (origin.Start < end && origin.End > start && IsAssistant(origin.MessageIndex)) return origin.MessageIndex;
        // Without a character of an assistant in it, the span belongs to the turn it stands in: that of the assistant before, or the next.
        var before = Origins.Where(o => o.End <= start).Select(o => o.MessageIndex).LastOrDefault(-1);
        for (var i = Math.Max(before, 0); i < _messages.Count; i++)
            if (IsAssistant(i)) return i;
        return Math.Max(before, 0);
    }

    private bool IsAssistant(int message) => _messages[message].Role == "assistant";

    private static Func<int, int> CodePointMap(string text)
    {
        if (!Texts.HasSurrogates(text)) return utf16 => utf16;
        var map = new int[text.Length + 1];
        for (var (i, codePoints) = (0, 0); i < text.Length; codePoints++)
        {
            map[i++] = codePoints;
            if (char.IsHighSurrogate(text[i - 1]) && i < text.Length && char.IsLowSurrogate(text[i])) map[i++] = codePoints;
            map[i] = codePoints + 1;
        }
        return utf16 => map[utf16];
    }
}
