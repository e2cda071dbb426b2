using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;

namespace LowRank.Models.Families;

/// <summary>A <c>config.json</c>, in the form of transformers 4, which most published checkpoints have, or of transformers 5.</summary>
public sealed class ModelConfig
{
    /// <summary>Wraps a parsed configuration.</summary>
    /// <param name="json">The object.</param>
    /// <param name="source">Where it came from, for messages.</param>
    public ModelConfig(JsonObject json, string source)
    {
        // A document made in memory holds .NET numbers, a parsed one text that reads as any kind of number: make it the latter.
        (Json, Source) = (JsonNode.Parse(json.ToJsonString())!.AsObject(), source);
        ModelType = Text("model_type") ?? throw new ModelConfigException($"{source}: \"model_type\" is missing, so the kind of model is not known.");
    }

    /// <summary>The largest size of any kind that is believed: vocabularies have some 2¹⁸ tokens, hidden states some 2¹⁴ values.</summary>
    internal const long LargestSize = 1 << 24;

    /// <summary>The object as it was read.</summary>
    public JsonObject Json { get; }

    /// <summary>Where it came from.</summary>
    public string Source { get; }

    /// <summary><c>model_type</c>.</summary>
    public string ModelType { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ModelConfigException">The file is missing or not a JSON object.</exception>
    public static ModelConfig Load(string path)
    {
        if (!File.Exists(path)) throw new ModelConfigException($"{path} does not exist. A model folder needs its config.json.");
        try
        {
            return StrictJson.Node(File.ReadAllBytes(path)) is JsonObject json ? new ModelConfig(json, path)
                : throw new ModelConfigException($"{path} is not a JSON object.");
        }
        catch (JsonException error)
        {
            throw new ModelConfigException($"{path}, line {error.LineNumber + 1}, column {error.BytePositionInLine + 1}: not JSON. {error.Message.Split(" Path:")[0]}");
        }
    }

    /// <summary>A whole number that must be there.</summary>
    public long Require(string key) => Integer(key) ?? throw new ModelConfigException($"{Source}: \"{key}\" is missing.");

    /// <summary>A whole number, or null where it is absent or null.</summary>
    public long? Integer(string key) => Value<long>(Json, key, static v => v.TryGetValue<long>(out var n) ? n : null, "a whole number");

    /// <summary>A number, or null.</summary>
    public double? Number(string key) => Number(Json, key);

    /// <summary>True or false, or null.</summary>
    public bool? Flag(string key) => Flag(Json, key);

    /// <summary>A string, or null.</summary>
    public string? Text(string key) => Text(Json, key);

    /// <summary>A list of strings, or null.</summary>
    public IReadOnlyList<string>? Texts(string key) => Json[key] is not { } node ? null
        : node is JsonArray list ? [.. list.Select(n => n is JsonValue v && v.TryGetValue<string>(out var s) ? s : throw Wrong(key, node, "a list of strings"))]
        : throw Wrong(key, node, "a list of strings");

    /// <summary>Token ids that are given as one number or as a list.</summary>
    public IReadOnlyList<int> Ids(string key) => Json[key] switch
    {
        null => [],
        JsonArray list => [.. list.Select(n => n is JsonValue v && v.TryGetValue<int>(out var id) ? id : throw Wrong(key, list, "a token id or a list of them"))],
        JsonValue v when v.TryGetValue<int>(out var id) => [id],
        { } node => throw Wrong(key, node, "a token id or a list of them"),
    };

    /// <summary>An object, or null.</summary>
    public JsonObject? Object(string key) => Json[key] switch { null => null, JsonObject o => o, { } node => throw Wrong(key, node, "an object") };

    /// <summary>A size of the model that must be there: from 1 to <paramref name="most"/>, so that products of sizes stay numbers.</summary>
    internal long Size(string key, long most = LargestSize) => Size(key, Require(key), most);

    /// <summary>A size with its value where the key is absent.</summary>
    internal long SizeOr(string key, long standard, long most = LargestSize) => Size(key, Integer(key) ?? standard, most);

    internal bool? Flag(JsonObject from, string key) => Value<bool>(from, key, static v => v.TryGetValue<bool>(out var b) ? b : null, "true or false");

    internal string? Text(JsonObject from, string key) => from[key] is not { } node ? null
        : node is JsonValue v && v.TryGetValue<string>(out var s) ? s : throw Wrong(key, node, "a string");

    internal double? Number(JsonObject from, string key) => Value<double>(from, key, static v => v.TryGetValue<double>(out var n) && double.IsFinite(n) ? n : null, "a number");

    private long Size(string key, long value, long most) => value >= 1 && value <= most ? value
        : throw new ModelConfigException($"{Source}: \"{key}\" is {value}, expected a whole number from 1 to {most}.");

    private T? Value<T>(JsonObject from, string key, Func<JsonValue, T?> read, string expected) where T : struct =>
        from[key] is not { } node ? null : node is JsonValue v && read(v) is { } value ? value : throw Wrong(key, node, expected);

    private ModelConfigException Wrong(string key, JsonNode node, string expected) => new($"{Source}: \"{key}\" is {node.ToJsonString()}, expected {expected}.");
}
