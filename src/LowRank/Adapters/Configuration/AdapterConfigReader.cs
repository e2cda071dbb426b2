using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters.Initialization;
using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>Reads <c>adapter_config.json</c> of any kind. Every field is looked at, and all that is wrong is reported together.</summary>
internal sealed class AdapterConfigReader
{
    private readonly JsonObject document;
    private readonly PeftFields fields;
    private readonly HashSet<string> unread;
    private readonly List<string> problems = [];

    private AdapterConfigReader(JsonObject document, PeftFields fields) => (this.document, this.fields, unread) = (document, fields, [.. document.Select(m => m.Key)]);

    public static AdapterConfig Read(string json, string where)
    {
        JsonNode? root;
        try { root = StrictJson.Node(Encoding.UTF8.GetBytes(json)); }
        catch (JsonException e)
        {
            throw new LoraConfigException($"{where}{(e.LineNumber is { } line ? $", line {line + 1}, column {e.BytePositionInLine + 1}" : "")}: this is not valid JSON ({e.Message.Split(" LineNumber")[0].Split(" Path:")[0]})", e);
        }
        if (root is not JsonObject document) throw new LoraConfigException($"{where}: expected an object with PEFT's fields ({{\"r\": 8, …}}), found {Describe(root)}");
        var reader = new AdapterConfigReader(document, PeftFields.Of(KindOf(document, where)));
        var config = reader.Read();
        reader.RefuseOthers();
        reader.problems.AddRange(AdapterConfigValidation.Problems(config));
        return reader.problems.Count == 0 ? config : throw new LoraConfigException(where, reader.problems);
    }

    private static AdapterKind KindOf(JsonObject document, string where)
    {
        if (!document.TryGetPropertyValue("peft_type", out var type)) return AdapterKind.Lora;
        return type is JsonValue t && t.TryGetValue(out string? name) && PeftFields.KindOf(name) is { } kind ? kind
            : throw new LoraConfigException($"{where}: peft_type is {Describe(type)}; {string.Join(", ", PeftFields.Names)} are supported");
    }

    private AdapterConfig Read() => ReadCommon(fields.Kind switch
    {
        AdapterKind.AdaLora => ReadAdaLora(),
        AdapterKind.Miss => ReadMiss(),
        AdapterKind.Ia3 => ReadIa3(),
        _ => (AdapterConfig)ReadLora(),
    });

    private Ia3Config ReadIa3() => new()
    {
        FeedForwardModules = Take("feedforward_modules", "a list of names, a regular expression or null", null, AsModules, orNull: true),
        FanInFanOut = Take("fan_in_fan_out", "true or false", false, AsBool),
        StartsFromOne = Take("init_ia3_weights", "true or false", true, AsBool),
    };

    private AdapterConfig ReadCommon(AdapterConfig own) => own with
    {
        TargetModules = Take("target_modules", "a list of names, a regular expression, \"all-linear\" or null", null, AsModules, orNull: true),
        ExcludeModules = Take("exclude_modules", "a list of names, a regular expression or null", null, AsModules, orNull: true),
        LayersToTransform = Take("layers_to_transform", "a whole number, a list of them or null", null, n => AsList(n, AsInt), orNull: true),
        LayersPattern = Take("layers_pattern", "a name, a list of names or null", null, n => AsList(n, AsString), orNull: true),
        Bias = Take("bias", "\"none\", \"all\" or \"lora_only\"", BiasTraining.None, n => AsString(n) switch { (true, "none") => (true, BiasTraining.None), (true, "all") => (true, BiasTraining.All), (true, "lora_only") => (true, BiasTraining.LoraOnly), _ => default }),
        ModulesToSave = Take("modules_to_save", "a list of names or null", null, n => n is JsonArray ? AsList(n, AsString) : default, orNull: true),
        BaseModel = Take("base_model_name_or_path", "a text or null", null, AsString!, orNull: true),
        TaskType = Take("task_type", "a text or null", null, AsString!, orNull: true),
        Source = (JsonObject)document.DeepClone(),
    };

    private LoraConfig ReadLora()
    {
        var fallback = new LoraConfig();
        var (initialization, iterations) = ReadInitialization();
        return new LoraConfig
        {
            Rank = Take("r", "a whole number", fallback.Rank, AsInt),
            Alpha = Take("lora_alpha", "a number", fallback.Alpha, AsNumber),
            Dropout = Take("lora_dropout", "a number", fallback.Dropout, AsNumber),
            UseRslora = Take("use_rslora", "true or false", false, AsBool),
            UseDora = Take("use_dora", "true or false", false, AsBool),
            RankPattern = Take("rank_pattern", "an object of names and whole numbers", fallback.RankPattern, n => AsPattern(n, AsInt), orNull: true),
            AlphaPattern = Take("alpha_pattern", "an object of names and numbers", fallback.AlphaPattern, n => AsPattern(n, AsNumber), orNull: true),
            LoraBias = Take("lora_bias", "true or false", false, AsBool),
            TargetParameters = Take("target_parameters", "a list of names or null", null, n => AsList(n, AsString) is (true, { } names) ? (true, names.Count == 0 ? null : names) : default, orNull: true),
            TrainableTokens = Take("trainable_token_indices", "a list of tokens, an object of names and such lists, or null", null, AsTokens, orNull: true),
            EnsureWeightTying = Take("ensure_weight_tying", "true or false", false, AsBool),
            FanInFanOut = Take("fan_in_fan_out", "true or false", false, AsBool),
            Initialization = initialization,
            PissaIterations = iterations,
            Eva = Take("eva_config", "an object of EVA's settings or null", null, AsEva, orNull: true),
        };
    }

    // A field that is not there has its default, as in PEFT's class.
    private static (bool Is, EvaConfig? Value) AsEva(JsonNode n)
    {
        if (n is not JsonObject members || members.Any(m => m.Value is null)) return default;
        var eva = new EvaConfig();
        foreach (var (name, value) in members)
        {
            EvaConfig? read = name switch
            {
                "rho" when AsNumber(value!) is (true, var rho) => eva with { Rho = rho },
                "tau" when AsNumber(value!) is (true, var tau) => eva with { Tau = tau },
                "use_label_mask" when AsBool(value!) is (true, var masks) => eva with { UsesLabelMask = masks },
                "label_mask_value" when AsInt(value!) is (true, var label) => eva with { LabelMaskValue = label },
                "whiten" when AsBool(value!) is (true, var whitens) => eva with { Whitens = whitens },
                "adjust_scaling_factors" when AsBool(value!) is (true, var adjusts) => eva with { AdjustsScaling = adjusts },
                _ => null,
            };
            if (read is null) return default;
            eva = read;
        }
        return (true, eva);
    }

    private AdaLoraConfig ReadAdaLora()
    {
        var fallback = new AdaLoraConfig();
        return new AdaLoraConfig
        {
            InitialRank = Take("init_r", "a whole number", fallback.InitialRank, AsInt),
            TargetRank = Take("target_r", "a whole number", fallback.TargetRank, AsInt),
            Alpha = Take("lora_alpha", "a number", fallback.Alpha, AsNumber),
            Dropout = Take("lora_dropout", "a number", fallback.Dropout, AsNumber),
            InitialSteps = Take("tinit", "a whole number", 0, AsInt),
            FinalSteps = Take("tfinal", "a whole number", 0, AsInt),
            Interval = Take("deltaT", "a whole number", 1, AsInt),
            Beta1 = Take("beta1", "a number", fallback.Beta1, AsNumber),
            Beta2 = Take("beta2", "a number", fallback.Beta2, AsNumber),
            OrthogonalWeight = Take("orth_reg_weight", "a number", fallback.OrthogonalWeight, AsNumber),
            TotalSteps = Take("total_step", "a whole number or null", null, n => AsInt(n) is (true, var steps) ? (true, (int?)steps) : default, orNull: true),
            RankPattern = Take("rank_pattern", "an object of names and lists of true and false", null, AsMasks, orNull: true),
            FanInFanOut = Take("fan_in_fan_out", "true or false", false, AsBool),
        };
    }

    private MissConfig ReadMiss()
    {
        var (isMini, isBat, fromZero) = (false, false, true);
        Take("init_weights", "true, false, \"mini\" or \"bat\"", false, n => AsString(n) switch
        {
            (true, "mini") => (true, isMini = true),
            (true, "bat") => (true, isBat = true),
            _ => AsBool(n) is (true, var zero) ? (true, fromZero = zero) : default,
        });
        return new MissConfig
        {
            Rank = Take("r", "a whole number", new MissConfig().Rank, AsInt),
            MiniRank = Take("mini_r", "a whole number", 1, AsInt),
            Dropout = Take("miss_dropout", "a number", 0.0, AsNumber),
            IsMini = isMini,
            IsBat = isBat,
            StartsFromZero = fromZero,
        };
    }

    private (LoraInitialization Kind, int? Iterations) ReadInitialization()
    {
        if (document["init_lora_weights"] is JsonValue value && value.TryGetValue(out string? text) && InitializationName.Refusal(text) is { } refusal)
        {
            unread.Remove("init_lora_weights");
            problems.Add($"init_lora_weights: {refusal}");
            return default;
        }
        return Take("init_lora_weights", $"one of true, false, {InitializationName.All}", default,
            n => AsString(n) is (true, var name) ? (true, InitializationName.Parse(name)!.Value) : AsBool(n) is (true, var on) ? (true, (on ? LoraInitialization.KaimingUniform : LoraInitialization.Random, null)) : default);
    }

    private void RefuseOthers()
    {
        foreach (var name in unread.Order(StringComparer.Ordinal))
        {
            var value = document[name];
            if (fields.WithoutEffect.ContainsKey(name) || IsUnset(value)) continue;
            if (fields.NotSupported.TryGetValue(name, out var known)) problems.Add($"{name}: {known.Meaning} is not supported yet");
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

    private static (bool Is, OrderedDictionary<string, IReadOnlyList<bool>>? Value) AsMasks(JsonNode n) =>
        AsPattern(n, AsMask) is (true, var pattern) ? (true, pattern.Count == 0 ? null : pattern) : default;

    private static (bool Is, IReadOnlyList<bool> Value) AsMask(JsonNode n) => n is JsonArray && AsList(n, AsBool) is (true, { } mask) ? (true, mask) : default;

    private static (bool Is, TrainableTokens? Value) AsTokens(JsonNode n) =>
        n is JsonArray { Count: 0 } or JsonObject { Count: 0 } ? (true, null)
        : n is JsonArray && AsList(n, AsInt) is (true, { } tokens) ? (true, TrainableTokens.Of(tokens))
        : AsPattern(n, m => m is JsonArray && AsList(m, AsInt) is (true, { } list) ? (true, list) : default) is (true, var byName) ? (true, new TrainableTokens(byName)) : default;

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
