using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates;

/// <summary>
/// Finds what the assistant wrote in a text of a template without generation tags. The interpreter knows which characters came from which
/// message; what remains is which of the template's own characters around them the model has to write itself: those behind the
/// generation prompt, and the end-of-turn token.
/// </summary>
internal sealed class SupervisedSpans
{
    private readonly ChatTemplate _template;
    private readonly IReadOnlyList<ChatMessage> _messages;
    private readonly ChatTemplateOptions _options;
    private readonly RenderedChat _chat;
    private readonly string[] _special;

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
            if (_messages[i].Role != "assistant") continue;
            var own = _chat.Origins.Where(o => o.MessageIndex == i).ToArray();
            var start = Start(i, own.Length > 0 ? own[0].Start : null);
            if (start is null || start < behind) start = own.Length > 0 && own[0].Start >= behind ? own[0].Start : null;
            if (start is null) continue;
            var last = own.Length > 0 ? own[^1].End : start.Value;
            var end = End(i, Math.Max(last, start.Value));
            if (end <= start) continue;
            spans.Add((start.Value, end, i));
            behind = end;
        }
        return spans;
    }

    /// <summary>Where the model begins to write message <paramref name="i"/>, in code points; null where that cannot be told.</summary>
    private int? Start(int i, int? first)
    {
        RenderedChat prompt;
        try
        {
            prompt = _template.RenderWithSpans([.. _messages.Take(i)], _options with { AddGenerationPrompt = true, ContinueFinalMessage = false });
        }
        catch (ChatTemplateException)
        {
            // Many templates refuse a conversation that ends here, one without a user for instance; then the message's own text has to do.
            return first;
        }
        var length = Texts.Count(prompt.Text);
        if (_chat.Text.StartsWith(prompt.Text, StringComparison.Ordinal) && (first is null || length <= first)) return length;
        // A template may print the messages before differently once they are not the last. What follows them is the same.
        var (here, there) = (LastBefore(_chat, i), LastBefore(prompt, i));
        if (here.Message != there.Message) return first;
        var (text, tail) = (Tail(_chat.Text, here.End), Tail(prompt.Text, there.End));
        var start = here.End + Texts.ToCodePoint(text, text.AsSpan().CommonPrefixLength(tail));
        return first is { } at && start > at ? at : start;
    }

    private static string Tail(string text, int codePoint) => text[Texts.ToUtf16(text, codePoint)..];

    /// <summary>The last character of the nearest message before <paramref name="i"/> that has any.</summary>
    private static (int Message, int End) LastBefore(RenderedChat chat, int i)
    {
        var (message, end) = (-1, 0);
        foreach (var origin in chat.Origins)
            if (origin.MessageIndex < i && (origin.MessageIndex > message || (origin.MessageIndex == message && origin.End > end)))
                (message, end) = (origin.MessageIndex, origin.End);
        return (message, end);
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
