using System.Globalization;
using System.Text.Json.Nodes;

namespace LowRank.Adapters;

/// <summary>Turns a <see cref="LoraConfig"/> into the document that PEFT writes for it.</summary>
internal static class LoraConfigWriter
{
    public static string Write(LoraConfig config)
    {
        var fields = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        if (config.Source is { } source)
        {
            // A file of an older PEFT has fewer fields; it gets no new ones but those that say something.
            foreach (var (name, value) in source) fields[name] = value?.DeepClone();
            var defaults = Properties(new LoraConfig());
            foreach (var (name, value) in Properties(config))
                if (source.TryGetPropertyValue(name, out var read) ? !Same(read, value) : value is not null && !JsonNode.DeepEquals(value, defaults[name])) fields[name] = value;
        }
        else
        {
            foreach (var (name, json) in PeftFields.WithoutEffect) fields[name] = JsonNode.Parse(json);
            foreach (var (name, (json, _)) in PeftFields.NotSupported) fields[name] = JsonNode.Parse(json);
            foreach (var (name, value) in Properties(config)) fields[name] = value;
        }
        var document = new JsonObject();
        foreach (var (name, value) in fields)
            document[name] = name is "rank_pattern" or "alpha_pattern" ? value?.DeepClone() : PythonJson.Sorted(value);
        return PythonJson.Write(document);
    }

    private static Dictionary<string, JsonNode?> Properties(LoraConfig c) => new(StringComparer.Ordinal)
    {
        ["r"] = Number(c.Rank),
        ["lora_alpha"] = Integral(c.Alpha),
        ["lora_dropout"] = JsonNode.Parse(PythonNumber.Format(c.Dropout)),
        ["use_rslora"] = c.UseRslora,
        ["rank_pattern"] = new JsonObject(c.RankPattern.Select(p => KeyValuePair.Create(p.Key, Number(p.Value)))),
        ["alpha_pattern"] = new JsonObject(c.AlphaPattern.Select(p => KeyValuePair.Create(p.Key, Integral(p.Value)))),
        ["target_modules"] = Pattern(c.TargetModules, "target_modules"),
        ["exclude_modules"] = Pattern(c.ExcludeModules, "exclude_modules"),
        ["layers_to_transform"] = c.LayersToTransform is { } layers ? new JsonArray([.. layers.Select(Number)]) : null,
        ["layers_pattern"] = Names(c.LayersPattern),
        ["bias"] = c.Bias switch { BiasTraining.None => "none", BiasTraining.All => "all", _ => "lora_only" },
        ["lora_bias"] = c.LoraBias,
        ["modules_to_save"] = Names(c.ModulesToSave),
        ["ensure_weight_tying"] = c.EnsureWeightTying,
        ["fan_in_fan_out"] = c.FanInFanOut,
        ["init_lora_weights"] = c.Initialization switch { LoraInitialization.KaimingUniform => true, LoraInitialization.Random => false, _ => "gaussian" },
        ["base_model_name_or_path"] = c.BaseModel,
        ["task_type"] = c.TaskType,
    };

    private static JsonNode? Pattern(ModulePattern? pattern, string field) => pattern?.Kind switch
    {
        null => null,
        ModulePatternKind.Names => Names(pattern.Entries),
        ModulePatternKind.Preset => throw new LoraConfigException($"{field}: the preset \"{pattern}\" is not written to a file; write the configuration of the selection that {nameof(TargetMatcher)} made for the model."),
        _ => JsonValue.Create(pattern.Entries[0]),
    };

    private static JsonArray? Names(IReadOnlyList<string>? names) => names is null ? null : new JsonArray([.. names.Select(n => JsonValue.Create(n))]);

    private static JsonNode? Number(int value) => JsonNode.Parse(value.ToString(CultureInfo.InvariantCulture));

    private static JsonNode? Integral(double value) => JsonNode.Parse(PythonNumber.FormatIntegral(value));

    /// <summary>Whether a value that was read means the same as the one to write: 16.0 as 16, a single entry as a list of it.</summary>
    private static bool Same(JsonNode? read, JsonNode? written) =>
        JsonNode.DeepEquals(read, written)
        || (written is JsonArray { Count: 1 } list && read is JsonValue && JsonNode.DeepEquals(read, list[0]))
        || (written is JsonObject { Count: 0 } && read is null);
}
