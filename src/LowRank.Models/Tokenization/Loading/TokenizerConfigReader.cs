using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Reads the small files beside a tokenizer.json. Where two say the same, the precedence is that of transformers.</summary>
internal static class TokenizerConfigReader
{
    private static readonly string[] NotNamesOfTokens = ["add_bos_token", "add_eos_token"];

    /// <summary>Reads a model folder.</summary>
    public static TokenizerConfig Read(string folder)
    {
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        var additional = new List<string>();
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        var config = ReadFile(folder, "tokenizer_config.json");
        if (config is { } c)
        {
            AddTokens(c, tokens, additional);
            AddTemplates(c, templates);
        }
        // The older file only fills what the configuration leaves open.
        if (ReadFile(folder, "special_tokens_map.json") is { } map) AddTokens(map, tokens, additional);
        if (ReadFile(folder, "chat_template.json") is { } template) AddTemplates(template, templates);
        AddTemplateFiles(folder, templates);
        return new TokenizerConfig
        {
            SpecialTokens = tokens,
            AdditionalSpecialTokens = additional,
            AddBosToken = config?.Flag("add_bos_token", false) ?? false,
            AddEosToken = config?.Flag("add_eos_token", false) ?? false,
            ChatTemplate = templates.GetValueOrDefault("default"),
            NamedChatTemplates = templates.Count > 1 || templates.Count == 1 && !templates.ContainsKey("default") ? templates : new Dictionary<string, string>(),
            EosTokenIds = ReadFile(folder, "generation_config.json") is { } generation ? EosIds(generation) : [],
        };
    }

    private static JsonPart? ReadFile(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (!File.Exists(path)) return null;
        try
        {
            var root = StrictJson.Element(File.ReadAllBytes(path));
            return root.ValueKind == JsonValueKind.Object ? new JsonPart(root, name, path)
                : throw new TokenizerFormatException($"{path}: an object was expected, not {root.ValueKind}.");
        }
        catch (JsonException e)
        {
            throw new TokenizerFormatException($"{path}: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: {e.Message}", e);
        }
    }

    private static void AddTokens(JsonPart part, Dictionary<string, string> tokens, List<string> additional)
    {
        foreach (var (key, value) in part.Properties())
        {
            if (key is "additional_special_tokens" or "extra_special_tokens" && value.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in value.EnumerateArray())
                    if (TokenText(item) is { } text && !additional.Contains(text)) additional.Add(text);
            }
            else if (key is "extra_special_tokens" or "model_specific_special_tokens" && value.ValueKind == JsonValueKind.Object)
            {
                foreach (var named in value.EnumerateObject())
                    if (TokenText(named.Value) is { } text) tokens.TryAdd(named.Name, text);
            }
            else if (key.EndsWith("_token", StringComparison.Ordinal) && Array.IndexOf(NotNamesOfTokens, key) < 0 && TokenText(value) is { } token)
            {
                tokens.TryAdd(key, token);
            }
        }
    }

    /// <summary>A token is its text, or an object with <c>content</c>.</summary>
    private static string? TokenText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object when value.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String => content.GetString(),
        _ => null,
    };

    private static void AddTemplates(JsonPart part, Dictionary<string, string> templates)
    {
        switch (part.Value("chat_template"))
        {
            case null: break;
            case { ValueKind: JsonValueKind.String } single: templates["default"] = single.GetString()!; break;
            case { ValueKind: JsonValueKind.Array }:
                foreach (var item in part.List("chat_template")) templates[item.String("name")] = item.String("template");
                break;
            case { ValueKind: JsonValueKind.Object } named:
                foreach (var item in named.EnumerateObject())
                    templates[item.Name] = item.Value.ValueKind == JsonValueKind.String ? item.Value.GetString()! : throw part.Missing($"chat_template.{item.Name}", "a string");
                break;
            default: throw part.Missing("chat_template", "a string or a list of name and template");
        }
    }

    private static void AddTemplateFiles(string folder, Dictionary<string, string> templates)
    {
        var single = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(single)) templates["default"] = File.ReadAllText(single);
        var more = Path.Combine(folder, "additional_chat_templates");
        if (!Directory.Exists(more)) return;
        foreach (var file in Directory.GetFiles(more, "*.jinja").Order(StringComparer.Ordinal))
            templates[Path.GetFileNameWithoutExtension(file)] = File.ReadAllText(file);
    }

    private static int[] EosIds(JsonPart generation) => generation.Value("eos_token_id") switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(id => Id(generation, id))],
        { } single => [Id(generation, single)],
    };

    private static int Id(JsonPart part, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) ? id : throw part.Missing("eos_token_id", "a token id or a list of them");
}
