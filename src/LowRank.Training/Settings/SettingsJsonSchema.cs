using System.Text.Json.Nodes;

namespace LowRank.Training.Settings;

/// <summary>
/// The JSON schema of a YAML file of settings, for editors that complete and check while one types: keys, kinds, ranges, choices, help and defaults, all from
/// <see cref="SettingAttribute"/>. Draft 7, which the YAML language server reads.
/// </summary>
internal static class SettingsJsonSchema
{
    /// <summary>The schema.</summary>
    /// <param name="title">What the file is.</param>
    /// <typeparam name="T">The record of settings.</typeparam>
    public static JsonObject Of<T>(string title) where T : class, new() => new()
    {
        ["$schema"] = "http://json-schema.org/draft-07/schema#",
        ["title"] = title,
        ["type"] = "object",
        ["additionalProperties"] = false,
        ["properties"] = new JsonObject(SettingsSchema<T>.All.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)Of(s)))),
    };

    private static JsonObject Of(Setting setting)
    {
        var schema = new JsonObject { ["description"] = setting.Automatic is { } automatic ? $"{setting.Help} Left open: {automatic}." : setting.Help };
        var allowed = Allowed(setting);
        foreach (var (key, value) in allowed.Count == 1 ? allowed[0] : new JsonObject { ["anyOf"] = new JsonArray([.. allowed]) }) schema[key] = value?.DeepClone();
        if (Default(setting.Default) is { } standard) schema["default"] = standard;
        return schema;
    }

    // What TryRead takes: null and "auto" leave an optional number open, and a list of texts is one text with commas.
    private static List<JsonObject> Allowed(Setting setting)
    {
        if (setting.Choices is { } choices) return [new JsonObject { ["enum"] = new JsonArray([.. choices.Select(c => JsonValue.Create(c)), .. setting.IsOptional ? [null] : Array.Empty<JsonNode?>()]) }];
        if (setting.IsSwitch) return [new JsonObject { ["type"] = "boolean" }];
        if (setting.IsText)
        {
            string[] kinds = setting.IsOptional || setting.IsRequired ? ["string", "number", "array", "null"] : ["string", "number", "array"];
            return [new JsonObject { ["type"] = Names(kinds), ["items"] = new JsonObject { ["type"] = Names("string", "number") } }];
        }
        var number = new JsonObject { ["type"] = setting.IsWhole ? "integer" : "number" };
        if (setting.Minimum is { } least) number["minimum"] = least;
        if (setting.Maximum is { } most) number["maximum"] = most;
        return setting.IsOptional ? [number, new JsonObject { ["enum"] = new JsonArray("auto", null) }] : [number];
    }

    private static JsonArray Names(params ReadOnlySpan<string> names)
    {
        var list = new JsonArray();
        foreach (var name in names) list.Add(name);
        return list;
    }

    private static JsonNode? Default(object? value) => value switch
    {
        null or "" => null,
        bool flag => flag,
        int number => number,
        long number => number,
        double number => number,
        _ => Setting.Format(value),
    };
}
