using System.Text.Json;
using System.Text.Json.Nodes;

namespace LowRank.Adapters;

/// <summary>Reads <c>adapter_config.json</c>. Every field is looked at, and all that is wrong is reported together.</summary>
internal sealed class LoraConfigReader
{
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };
    private readonly JsonObject document;
    private readonly HashSet<string> unread;
    private readonly List<string> problems = [];

    private LoraConfigReader(JsonObject document) => (this.document, unread) = (document, [.. document.Select(m => m.Key)]);

    public static LoraConfig Read(string json, string where)
    {
        JsonNode? root;
        try { root = JsonNode.Parse(json, documentOptions: Options); }
        catch (JsonException e)
        {
            throw new LoraConfigException($"{where}{(e.LineNumber is { } line ? $", line {line + 1}, column {e.BytePositionInLine + 1}" : "")}: this is not valid JSON ({e.Message.Split(" LineNumber")[0].Split(" Path:")[0]})", e);
        }
        if (root is not JsonObject document) throw new LoraConfigException($"{where}: expected an object with PEFT's fields ({{\"r\": 8, …}}), found {Describe(root)}");
        if (document.TryGetPropertyValue("peft_type", out var type) && !(type is JsonValue t && t.TryGetValue(out string? name) && name == "LORA"))
            throw new LoraConfigException($"{where}: peft_type is {Describe(type)}; only LORA is supported");
        var reader = new LoraConfigReader(document);
        var config = reader.Read();
        reader.RefuseOthers();
        reader.problems.AddRange(LoraConfigValidation.Problems(config));
        return reader.problems.Count == 0 ? config : throw new LoraConfigException(where, reader.problems);
    }

    private LoraConfig Read()
    {
        var fallback = new LoraConfig();
        return new LoraConfig
        {
            Rank = Take("r", "a whole number", fallback.Rank, AsInt),
            Alpha = Take("lora_alpha", "a number", fallback.Alpha, AsNumber),
            Dropout = Take("lora_dropout", "a number", fallback.Dropout, AsNumber),
            UseRslora = Take("use_rslora", "true or false", false, AsBool),
            RankPattern = Take("rank_pattern", "an object of names and whole numbers", fallback.RankPattern, n => AsPattern(n, AsInt), orNull: true),
            AlphaPattern = Take("alpha_pattern", "an object of names and numbers", fallback.AlphaPattern, n => AsPattern(n, AsNumber), orNull: true),
            TargetModules = Take("target_modules", "a list of names, a regular expression, \"all-linear\" or null", null, AsModules, orNull: true),
            ExcludeModules = Take("exclude_modules", "a list of names, a regular expression or null", null, AsModules, orNull: true),
            LayersToTransform = Take("layers_to_transform", "a whole number, a list of them or null", null, n => AsList(n, AsInt), orNull: true),
            LayersPattern = Take("layers_pattern", "a name, a list of names or null", null, n => AsList(n, AsString), orNull: true),
            Bias = Take("bias", "\"none\", \"all\" or \"lora_only\"", BiasTraining.None, n => AsString(n) switch { (true, "none") => (true, BiasTraining.None), (true, "all") => (true, BiasTraining.All), (true, "lora_only") => (true, BiasTraining.LoraOnly), _ => default }),
            LoraBias = Take("lora_bias", "true or false", false, AsBool),
            ModulesToSave = Take("modules_to_save", "a list of names or null", null, n => n is JsonArray ? AsList(n, AsString) : default, orNull: true),
            EnsureWeightTying = Take("ensure_weight_tying", "true or false", false, AsBool),
            FanInFanOut = Take("fan_in_fan_out", "true or false", false, AsBool),
            Initialization = ReadInitialization(),
            BaseModel = Take("base_model_name_or_path", "a text or null", null, AsString!, orNull: true),
            TaskType = Take("task_type", "a text or null", null, AsString!, orNull: true),
            Source = (JsonObject)document.DeepClone(),
        };
    }

    private LoraInitialization ReadInitialization()
    {
        if (document["init_lora_weights"] is JsonValue value && value.TryGetValue(out string? text) && !text.Equals("gaussian", StringComparison.OrdinalIgnoreCase))
        {
            unread.Remove("init_lora_weights");
            problems.Add($"init_lora_weights: \"{text}\" is not supported yet (true, false and \"gaussian\" are)");
            return default;
        }
        return Take("init_lora_weights", "true, false or \"gaussian\"", default,
            n => AsString(n).Is ? (true, LoraInitialization.Gaussian) : AsBool(n) is (true, var on) ? (true, on ? LoraInitialization.KaimingUniform : LoraInitialization.Random) : default);
    }

    private void RefuseOthers()
    {
        foreach (var name in unread.Order(StringComparer.Ordinal))
        {
            var value = document[name];
            if (PeftFields.WithoutEffect.ContainsKey(name) || IsUnset(value)) continue;
            if (PeftFields.NotSupported.TryGetValue(name, out var known)) problems.Add($"{name}: {known.Meaning} is not supported yet");
            else problems.Add($"{name}: LowRank does not know this field, so it cannot honour its value {PythonJson.Write(value).ReplaceLineEndings(" ")}");
        }
    }

    private static bool IsUnset(JsonNode? value) => value switch
    {
        null or JsonObject { Count: 0 } or JsonArray { Count: 0 } => true,
        JsonValue v => v.GetValueKind() == JsonValueKind.False,
        _ => false,
    };

    private T Take<T>(string name, string expected, T fallback, Func<JsonNode, (bool Is, T Value)> read, bool orNull = false)
    {
        unread.Remove(name);
        if (!document.TryGetPropertyValue(name, out var node) || (node is null && orNull)) return fallback;
        if (node is not null && read(node) is (true, var value)) return value;
        problems.Add($"{name}: expected {expected}, found {Describe(node)}");
        return fallback;
    }

    private static string Describe(JsonNode? node) => PythonJson.Write(node).ReplaceLineEndings(" ") is { Length: > 80 } text ? text[..80] + "…" : PythonJson.Write(node).ReplaceLineEndings(" ");

    private static (bool Is, int Value) AsInt(JsonNode n) => n is JsonValue v && v.TryGetValue(out int value) ? (true, value) : default;

    private static (bool Is, double Value) AsNumber(JsonNode n) => n.GetValueKind() == JsonValueKind.Number ? (true, n.GetValue<double>()) : default;

    private static (bool Is, bool Value) AsBool(JsonNode n) => n is JsonValue v && v.TryGetValue(out bool value) ? (true, value) : default;

    private static (bool Is, string Value) AsString(JsonNode n) => n is JsonValue v && v.TryGetValue(out string? value) ? (true, value) : default;

    private static (bool Is, ModulePattern? Value) AsModules(JsonNode n) =>
        AsString(n) is (true, var text) ? (true, (ModulePattern)text)
        : AsList(n, AsString) is (true, { } names) ? (true, ModulePattern.FromNames([.. names])) : default;

    private static (bool Is, IReadOnlyList<T>? Value) AsList<T>(JsonNode n, Func<JsonNode, (bool Is, T Value)> read)
    {
        if (n is JsonValue) return read(n) is (true, var single) ? (true, [single]) : default;
        if (n is not JsonArray items) return default;
        var values = new List<T>(items.Count);
        foreach (var item in items)
        {
            if (item is null || read(item) is not (true, var value)) return default;
            values.Add(value);
        }
        return (true, values);
    }

    private static (bool Is, OrderedDictionary<string, T> Value) AsPattern<T>(JsonNode n, Func<JsonNode, (bool Is, T Value)> read)
    {
        if (n is not JsonObject members) return default;
        var pattern = new OrderedDictionary<string, T>(StringComparer.Ordinal);
        foreach (var (key, item) in members)
        {
            if (item is null || read(item) is not (true, var value)) return default;
            pattern[key] = value;
        }
        return (true, pattern);
    }
}
