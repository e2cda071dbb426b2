using System.Text.Json;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates;

/// <summary>
/// One message of a conversation. To a chat template a message is a dictionary, and which keys it reads differs from family to family;
/// so the message is its <see cref="Fields"/>, in their order, and the properties are the fields that most templates know.
/// </summary>
/// <remarks>
/// Values of fields: strings, numbers, booleans, null, sequences, dictionaries with string keys, and <see cref="JsonElement"/>.
/// Immutable as long as what was put in is not changed; safe to share between threads.
/// </remarks>
public sealed record ChatMessage
{
    private readonly OrderedDictionary<string, object?> _fields;
    private PyDict? _python;

    /// <summary>A message with a role and a content.</summary>
    /// <param name="role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>.</param>
    /// <param name="content">A string, or a list of parts such as <c>{"type": "text", "text": …}</c>; null for a message of tool calls only.</param>
    public ChatMessage(string role, object? content)
    {
        ArgumentNullException.ThrowIfNull(role);
        _fields = new(StringComparer.Ordinal) { ["role"] = role, ["content"] = content };
    }

    /// <summary>A message with exactly these fields.</summary>
    /// <param name="fields">The fields in the order in which a template that prints the whole message shows them.</param>
    public ChatMessage(IEnumerable<KeyValuePair<string, object?>> fields) => _fields = new(fields, StringComparer.Ordinal);

    private ChatMessage(ChatMessage original) => _fields = new(original._fields, StringComparer.Ordinal);

    /// <summary>All fields in their order.</summary>
    public IReadOnlyDictionary<string, object?> Fields => _fields;

    /// <summary>Who speaks; empty where the message has no role.</summary>
    public string Role => Text("role") ?? "";

    /// <summary>The content: a string, a list of parts, or null.</summary>
    public object? Content => _fields.GetValueOrDefault("content");

    /// <summary>What the assistant thought before it answered (<c>reasoning_content</c>).</summary>
    public string? ReasoningContent { get => Text("reasoning_content"); init => Set("reasoning_content", value); }

    /// <summary>The calls that the assistant makes (<c>tool_calls</c>): a sequence of dictionaries.</summary>
    public object? ToolCalls { get => _fields.GetValueOrDefault("tool_calls"); init => Set("tool_calls", value); }

    /// <summary>The name of the speaker or of the tool (<c>name</c>).</summary>
    public string? Name { get => Text("name"); init => Set("name", value); }

    /// <summary>The call that a tool's message answers (<c>tool_call_id</c>).</summary>
    public string? ToolCallId { get => Text("tool_call_id"); init => Set("tool_call_id", value); }

    /// <summary>Reads a message from a JSON object, with all its fields.</summary>
    /// <exception cref="LowRankException">The element is no object.</exception>
    public static ChatMessage FromJson(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new LowRankException($"A chat message must be a JSON object such as {{\"role\": \"user\", \"content\": \"…\"}}, but it is {json.ValueKind}.");
        // The document may be disposed before the message is rendered.
        return new ChatMessage(json.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.ValueKind == JsonValueKind.String ? PythonValues.From(p.Value) : (object?)p.Value.Clone())));
    }

    /// <summary>The same message with one field set.</summary>
    public ChatMessage With(string field, object? value)
    {
        var copy = new ChatMessage(this);
        copy._fields[field] = value;
        return copy;
    }

    /// <summary>Two messages are equal if their fields are, whatever the order.</summary>
    public bool Equals(ChatMessage? other) => other is not null && Comparison.AreEqual(ToPython(), other.ToPython());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Role, _fields.Count);

    internal PyDict ToPython() => _python ??= WithReasoning((PyDict)PythonValues.From(_fields)!);

    /// <summary>The message with every string but the role marked with its message and field.</summary>
    internal PyDict ToTraced(int index)
    {
        var dict = new PyDict(_fields.Count);
        foreach (var (field, value) in _fields)
        {
            var name = field is "thinking" or "reasoning" ? "reasoning_content" : field;
            dict.Set(field, field == "role" ? PythonValues.From(value) : PythonValues.From(value, text => text.Length == 0 ? text : new TracedText(text, [new TextRun(0, text.Length, index, name)])));
        }
        return WithReasoning(dict);
    }

    // As transformers: whichever of the three names a message uses for its reasoning, templates find it under the two they read.
    private static PyDict WithReasoning(PyDict message)
    {
        foreach (var name in (ReadOnlySpan<string>)["reasoning_content", "thinking", "reasoning"])
        {
            if (!message.TryGet(name, out var reasoning) || reasoning is null) continue;
            message.Set("reasoning_content", reasoning);
            if (!message.Contains("thinking")) message.Set("thinking", reasoning);
            break;
        }
        return message;
    }

    private string? Text(string field) => _fields.GetValueOrDefault(field) switch
    {
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
        _ => null,
    };

    private void Set(string field, object? value)
    {
        if (value is null) _fields.Remove(field);
        else _fields[field] = value;
    }
}
