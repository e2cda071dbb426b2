using System.Text.Json;
using LowRank.Models.Templates;
using LowRank.Testing;

namespace LowRank.Models.Tests.Templates;

/// <summary>What is in the folder <c>chat</c> of the reference data: templates, conversations, and their renderings.</summary>
internal static class ChatFixtures
{
    private static readonly Lazy<Dictionary<string, JsonElement>> Conversations = new(() =>
        Read("conversations.json").EnumerateObject().ToDictionary(p => p.Name, p => p.Value));

    public static JsonElement Read(params string[] path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Golden.At(["chat", .. path])));
        return document.RootElement.Clone();
    }

    /// <summary>The rows of a JSON lines file. Only \n ends a line: texts hold other line ends.</summary>
    public static IEnumerable<JsonElement> Rows(params string[] path)
    {
        foreach (var line in File.ReadAllText(Golden.At(["chat", .. path])).Split('\n'))
            if (line.Length > 0)
            {
                using var document = JsonDocument.Parse(line);
                yield return document.RootElement.Clone();
            }
    }

    public static bool Has(params string[] path) => File.Exists(Golden.At(["chat", .. path]));

    /// <summary>The names of the templates that have both a source and an entry in the index.</summary>
    public static IEnumerable<string> TemplateNames() =>
        Has("templates", "index.json")
            ? Read("templates", "index.json").GetProperty("templates").EnumerateObject().Select(p => p.Name).Where(n => Has("templates", n + ".jinja"))
            : [];

    public static ChatTemplate Template(string name) => new(
        File.ReadAllText(Golden.At("chat", "templates", name + ".jinja")),
        Strings(Read("templates", "index.json").GetProperty("templates").GetProperty(name).GetProperty("tokens")));

    public static Dictionary<string, object?> Strings(JsonElement tokens) =>
        tokens.EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value.GetString());

    public static IEnumerable<string> ConversationNames() => Has("conversations.json") ? Conversations.Value.Keys : [];

    public static (ChatMessage[] Messages, ChatTemplateOptions Options) Conversation(string name) => Conversation(Conversations.Value[name]);

    public static (ChatMessage[] Messages, ChatTemplateOptions Options) Conversation(JsonElement row)
    {
        var options = new ChatTemplateOptions
        {
            Tools = row.TryGetProperty("tools", out var tools) && tools.ValueKind != JsonValueKind.Null ? tools : null,
            AddGenerationPrompt = row.TryGetProperty("add_generation_prompt", out var add) && add.GetBoolean(),
            ContinueFinalMessage = row.TryGetProperty("continue_final_message", out var go) && go.GetBoolean(),
            ExtraVariables = row.TryGetProperty("kwargs", out var kwargs) ? kwargs.EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value) : null,
            Clock = FixedClock.Instance,
        };
        return ([.. row.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson)], options);
    }

    /// <summary>Expects the error of a reference row: of raise_exception the text, of others only that there is one.</summary>
    public static void ExpectError(JsonElement error, Action render, string where)
    {
        var thrown = Assert.Throws<ChatTemplateException>(render);
        var raised = error.GetProperty("kind").GetString() is "raise_exception" or "TemplateError";
        Assert.True(raised == (thrown.Kind == ChatTemplateException.RaisedByTemplate), $"{where}: {thrown.Message}");
        if (raised) Assert.Equal(error.GetProperty("message").GetString(), thrown.Detail);
    }
}
