using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates;

/// <summary>
/// Finds what the assistant wrote in a text of a template without generation tags. The interpreter knows which characters came from which
/// message; what remains is which of the template's own characters around them the model has to write itself: those behind the
/// generation prompt, and the end-of-turn token. Both are found by rendering the beginning of the conversation as it is when the model is
/// asked, and comparing.
/// </summary>
internal sealed class SupervisedSpans
{
    // A character of the private use area, which no template looks at.
    private const string Probe = "\uE0F1";

    private readonly ChatTemplate _template;
    private readonly IReadOnlyList<ChatMessage> _messages;
    private readonly ChatTemplateOptions _options;
    private readonly RenderedChat _chat;
    private readonly string[] _special;
    private readonly Dictionary<(int Count, bool Generation), RenderedChat?> _prompts = [];

    public SupervisedSpans(ChatTemplate template, IReadOnlyList<ChatMessage> messages, ChatTemplateOptions options, RenderedChat chat, IEnumerable<string> specialTokens)
    {
        (_template, _messages, _options, _chat) = (template, messages, options, chat);
        var end = template.EndOfSequenceToken;
        _special = [.. specialTokens.Concat(end is null ? [] : [end]).Where(t => t.Length > 0).Distinct(StringComparer.Ordinal)];
    }

    public List<(int Start, int End, int MessageIndex)> Find()
    {
        var spans = new List<(int Start, int End, int MessageIndex)>();
        var behind = 0;
        for (var i = 0; i < _messages.Count; i++)
        {
            // The renderings of all beginnings of a long conversation would be its square.
            _prompts.Remove((i - 1, true));
            _prompts.Remove((i - 1, false));
            if (_messages[i].Role != "assistant" || (Span(i) ?? SpanOfSilence(i)) is not { } span) continue;
            var (start, end) = (Math.Max(span.Start, behind), span.End);
            if (end <= start) continue;
            spans.Add((start, end, i));
            behind = end;
        }
        return spans;
    }

    /// <summary>The span of a message with characters of its own in the text; null for one without.</summary>
    private (int Start, int End)? Span(int i)
    {
        var own = _chat.Origins.Where(o => o.MessageIndex == i).ToArray();
        if (own.Length == 0) return null;
        var first = own[0].Start;
        // A template may name the tool of a call again in the turn of the tool's answer; that is no longer this message.
        var limit = Limit(i);
        if (limit <= first) limit = int.MaxValue;
        var last = own.Where(o => o.Start < limit).Max(o => Math.Min(o.End, limit));
        return (Start(i, first), End(i, last));
    }

    /// <summary>
    /// The span of a message that left no character, because its content is empty: the model still has to end its turn. It is that of
    /// the same conversation with one character for a content, if that character is all that changes.
    /// </summary>
    private (int Start, int End)? SpanOfSilence(int i)
    {
        if (_messages[i].Content is not (null or "") || _options.ContinueFinalMessage) return null;
        try
        {
            ChatMessage[] messages = [.. _messages];
            messages[i] = messages[i].With("content", Probe);
            var chat = _template.RenderWithSpans(messages, _options);
            var at = chat.Text.IndexOf(Probe, StringComparison.Ordinal);
            if (at < 0 || chat.Text.Remove(at, Probe.Length) != _chat.Text) return null;
            var span = new SupervisedSpans(_template, messages, _options, chat, _special).Span(i);
            // Without an end-of-turn token there is nothing to write.
            return span is null || span.Value.End <= Texts.ToCodePoint(chat.Text, at) + 1 ? null : (span.Value.Start, span.Value.End - 1);
        }
        catch (ChatTemplateException)
        {
            // It may refuse a content here; then nothing is known about the turn.
            return null;
        }
    }

    /// <summary>The first messages as the model sees them when it is asked; null where the template refuses that, as many do without a user's message.</summary>
    private RenderedChat? Prompt(int count, bool generation = true)
    {
        if (_prompts.TryGetValue((count, generation), out var prompt)) return prompt;
        try
        {
            prompt = _template.RenderWithSpans([.. _messages.Take(count)], _options with { AddGenerationPrompt = generation, ContinueFinalMessage = false });
        }
        catch (ChatTemplateException)
        {
            prompt = null;
        }
        return _prompts[(count, generation)] = prompt;
    }

    /// <summary>Where the model begins to write message <paramref name="i"/>: behind the generation prompt, at the latest at the message's first character.</summary>
    private int Start(int i, int first)
    {
        if (Prompt(i) is not { } prompt) return first;
        var length = Texts.Count(prompt.Text);
        if (length <= first && _chat.Text.StartsWith(prompt.Text, StringComparison.Ordinal)) return length;
        // A template may print the messages before differently once they are not the last. What follows them is the same.
        var (here, there) = (LastBefore(_chat, i, first), LastBefore(prompt, i, int.MaxValue));
        var gap = Between(_chat.Text, here.End, first);
        var tail = Between(prompt.Text, there.End, int.MaxValue);
        if (here.Message == there.Message && gap.StartsWith(tail, StringComparison.Ordinal)) return here.End + Texts.Count(tail);
        // Or what the generation prompt adds stands alone before the message.
        var before = Prompt(i, generation: false)?.Text;
        var added = before is not null && prompt.Text.StartsWith(before, StringComparison.Ordinal) ? prompt.Text[before.Length..] : tail;
        if (added.Length > 0 && gap.LastIndexOf(added, StringComparison.Ordinal) is var at and >= 0) return here.End + Texts.ToCodePoint(gap, at + added.Length);
        // Or the prompt says more than the text, such as the beginning of a thought.
        return here.Message == there.Message ? here.End + Texts.ToCodePoint(gap, CommonBeginning(gap, tail)) : first;
    }

    /// <summary>How much two texts have in common from the front, without the beginning of a tag or special token that only looks alike.</summary>
    private static int CommonBeginning(string a, string b)
    {
        var length = a.AsSpan().CommonPrefixLength(b);
        var open = a.AsSpan(0, length).LastIndexOfAny('<', '[');
        return open >= 0 && a.AsSpan(open, length - open).IndexOfAny('>', ']') < 0 ? open : length;
    }

    private static string Between(string text, int start, int end)
    {
        var from = Texts.ToUtf16(text, start);
        return text[from..Math.Max(from, Texts.ToUtf16(text, end))];
    }

    /// <summary>The last character of the nearest message before <paramref name="i"/> that has any in front of <paramref name="limit"/>.</summary>
    private static (int Message, int End) LastBefore(RenderedChat chat, int i, int limit)
    {
        var (message, end) = (-1, 0);
        foreach (var origin in chat.Origins)
            if (origin.MessageIndex < i && origin.End <= limit && (origin.MessageIndex > message || (origin.MessageIndex == message && origin.End > end)))
                (message, end) = (origin.MessageIndex, origin.End);
        return (message, end);
    }

    /// <summary>How far the text is the same whether or not anything follows message <paramref name="i"/>.</summary>
    private int Limit(int i)
    {
        if (i == _messages.Count - 1 || Prompt(i + 1) is not { } prompt) return int.MaxValue;
        return Texts.ToCodePoint(_chat.Text, _chat.Text.AsSpan().CommonPrefixLength(prompt.Text));
    }

    /// <summary>Behind the end-of-turn token that follows <paramref name="last"/> before the next message.</summary>
    private int End(int i, int last)
    {
        var text = _chat.Text;
        var limit = Texts.ToUtf16(text, _chat.Origins.Where(o => o.MessageIndex != i && o.Start >= last).Select(o => (int?)o.Start).FirstOrDefault() ?? int.MaxValue);
        var from = Texts.ToUtf16(text, last);
        var (at, token) = (-1, "");
        foreach (var candidate in _special)
        {
            var found = text.IndexOf(candidate, from, limit - from, StringComparison.Ordinal);
            if (found >= 0 && (at < 0 || found < at || (found == at && candidate.Length > token.Length))) (at, token) = (found, candidate);
        }
        if (at < 0) return last;
        var end = at + token.Length;
        // Closing tokens of tool calls may be special too; the one that ends the sequence follows them without a gap.
        if (_template.EndOfSequenceToken is { Length: > 0 } final && token != final)
            for (var next = end; next <= limit - final.Length;)
            {
                if (text.AsSpan(next).StartsWith(final)) { end = next + final.Length; break; }
                var closing = _special.Where(s => text.AsSpan(next).StartsWith(s)).MaxBy(s => s.Length);
                if (closing is null) break;
                next += closing.Length;
            }
        return Texts.ToCodePoint(text, end);
    }
}
