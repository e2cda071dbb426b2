using LowRank.Models.Templates.Jinja;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates;

/// <summary>
/// A model's chat template: turns a conversation into the text that the model was trained on. Rendering equals that of transformers'
/// <c>apply_chat_template</c>, character by character. The template is parsed once; a template object may be used from several threads.
/// </summary>
/// <remarks>
/// A template is a program in the Jinja language that comes with a downloaded model. It runs in an interpreter of its own that can read
/// nothing but what it is given and stops at <see cref="ChatTemplateOptions.Limits"/>.
/// </remarks>
public sealed class ChatTemplate
{
    private const string ContinueMark = "CONTINUE_FINAL_MESSAGE_TAG ";

    private readonly JinjaTemplate _template;
    private readonly KeyValuePair<string, object?>[] _specialTokens;

    /// <summary>Parses a template.</summary>
    /// <param name="source">The template, as in <c>chat_template</c> of <c>tokenizer_config.json</c> or in <c>chat_template.jinja</c>.</param>
    /// <param name="specialTokens">Variables such as <c>bos_token</c> and <c>eos_token</c>.</param>
    /// <exception cref="ChatTemplateException">The source is no template; the message names the line.</exception>
    public ChatTemplate(string source, IReadOnlyDictionary<string, object?>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        Source = source;
        _template = new JinjaTemplate(source);
        _specialTokens = specialTokens is null ? [] : [.. specialTokens.Select(t => KeyValuePair.Create(t.Key, PythonValues.From(t.Value)))];
    }

    /// <summary>The template's text.</summary>
    public string Source { get; }

    /// <summary>The template marks with <c>{% generation %}</c> what the assistant generates.</summary>
    public bool HasGenerationTag => _template.HasGenerationTag;

    /// <summary>The value of <c>eos_token</c>, where it was given.</summary>
    public string? EndOfSequenceToken => _specialTokens.FirstOrDefault(t => t.Key == "eos_token").Value as string;

    /// <summary>Renders a conversation.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails on it, or exceeds a limit.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatTemplateOptions? options = null)
    {
        options ??= new ChatTemplateOptions();
        var output = Run(messages, options, tracing: false, out var length);
        var text = output.Written[..length].ToString();
        output.Release();
        return text;
    }

    /// <summary>Renders a conversation and tells where in the text each message is, for loss on parts of it.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails on it, or exceeds a limit.</exception>
    public RenderedChat RenderWithSpans(IReadOnlyList<ChatMessage> messages, ChatTemplateOptions? options = null)
    {
        options ??= new ChatTemplateOptions();
        var output = Run(messages, options, tracing: true, out var length);
        var chat = new RenderedChat(this, messages, options, output.Written[..length].ToString(), output.Runs);
        output.Release();
        return chat;
    }

    private TextBuilder Run(IReadOnlyList<ChatMessage> messages, ChatTemplateOptions options, bool tracing, out int length)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var conversation = new object?[messages.Count];
        for (var i = 0; i < conversation.Length; i++) conversation[i] = tracing ? messages[i].ToTraced(i) : messages[i].ToPython();
        var final = options.ContinueFinalMessage ? MarkEnd(conversation, options) : null;
        var variables = new Dictionary<string, object?>(_specialTokens.Length + 8, StringComparer.Ordinal)
        {
            ["messages"] = new PyList(conversation),
            ["tools"] = PythonValues.From(options.Tools),
            ["documents"] = null,
            ["add_generation_prompt"] = Types.Box(options.AddGenerationPrompt),
        };
        foreach (var (name, value) in _specialTokens) variables[name] = value;
        foreach (var (name, value) in options.ExtraVariables ?? new Dictionary<string, object?>()) variables[name] = PythonValues.From(value);
        var output = _template.Render(variables, options.Limits, options.Clock, tracing);
        length = final is null ? output.Length : FindEnd(output.ToString(), final);
        return output;
    }

    /// <summary>Appends a mark to the text of the last message; gives that text as it was.</summary>
    private static string MarkEnd(object?[] conversation, ChatTemplateOptions options)
    {
        if (options.AddGenerationPrompt) throw Refuse("a rendering either adds a generation prompt or continues the final message, not both");
        if (conversation.Length == 0) throw Refuse("there is no final message to continue");
        var message = ((PyDict)conversation[^1]!).Copy();
        conversation[^1] = message;
        message.TryGet("content", out var content);
        if (Texts.TryGet(content, out var text))
        {
            message.Set("content", Texts.Concat(content!, ContinueMark));
            return text;
        }
        if (content is PyList parts)
            for (var i = parts.Count - 1; i >= 0; i--)
            {
                if (parts.Items[i] is not PyDict part || !part.TryGet("text", out var last) || !Texts.TryGet(last, out text)) continue;
                var marked = part.Copy();
                marked.Set("text", Texts.Concat(last!, ContinueMark));
                object?[] all = [.. parts.Items];
                all[i] = marked;
                message.Set("content", new PyList(all));
                return text;
            }
        throw Refuse("continue_final_message is set but the final message has no text to continue");
    }

    private static int FindEnd(string rendered, string final)
    {
        var mark = rendered.LastIndexOf(ContinueMark.TrimEnd(), StringComparison.Ordinal);
        if (mark < 0 || !rendered.Contains(Strip(final), StringComparison.Ordinal))
            throw Refuse("continue_final_message is set but the final message does not appear in the rendered chat: the template drops or changes its text");
        if (rendered.AsSpan(mark).StartsWith(ContinueMark)) return mark;
        // The template trimmed the message, so white space before the mark is not the message's own.
        return Whitespace.Strip(rendered[..mark], null, left: false, right: true).Length;

        static string Strip(string text)
        {
            var (start, length) = Whitespace.Strip(text, null, left: true, right: true);
            return text.Substring(start, length);
        }
    }

    private static ChatTemplateException Refuse(string why) => new("ValueError", why);
}
