using System.Globalization;
using System.Text.Json.Nodes;
using LowRank.Adapters.Initialization;

namespace LowRank.Adapters;

/// <summary>Turns an <see cref="AdapterConfig"/> into the document that PEFT writes for it.</summary>
internal static class AdapterConfigWriter
{
    public static string Write(AdapterConfig config)
    {
        var fields = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        if (config.Source is { } source)
        {
            // A file of an older PEFT has fewer fields; it gets no new ones but those that say something.
            foreach (var (name, value) in source) fields[name] = value?.DeepClone();
            var defaults = Properties(config switch
            {
                AdaLoraConfig => new AdaLoraConfig(),
                MissConfig => new MissConfig(),
                Ia3Config => new Ia3Config(),
                _ => new LoraConfig(),
            });
            foreach (var (name, value) in Properties(config))
                if (source.TryGetPropertyValue(name, out var read) ? !Same(read, value) : value is not null && !JsonNode.DeepEquals(value, defaults[name])) fields[name] = value;
        }
        else
        {
            var others = PeftFields.Of(config.Kind);
            foreach (var (name, json) in others.WithoutEffect) fields[name] = JsonNode.Parse(json);
            foreach (var (name, (json, _)) in others.NotSupported) fields[name] = JsonNode.Parse(json);
            foreach (var (name, value) in Properties(config)) fields[name] = value;
        }
        var document = new JsonObject();
        foreach (var (name, value) in fields)
            document[name] = name is "rank_pattern" or "alpha_pattern" ? value?.DeepClone() : PythonJson.Sorted(value);
        return PythonJson.Write(document);
    }

    private static Dictionary<string, JsonNode?> Properties(AdapterConfig config)
    {
        var fields = new Dictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["target_modules"] = Pattern(config.TargetModules, "target_modules"),
            ["exclude_modules"] = Pattern(config.ExcludeModules, "exclude_modules"),
            ["modules_to_save"] = Names(config.ModulesToSave),
            ["base_model_name_or_path"] = config.BaseModel,
            ["task_type"] = config.TaskType,
        };
        if (config is Ia3Config ia3)
        {
            fields["feedforward_modules"] = Pattern(ia3.FeedForwardModules, "feedforward_modules");
            fields["fan_in_fan_out"] = ia3.FanInFanOut;
            fields["init_ia3_weights"] = ia3.StartsFromOne;
            return fields;
        }
        fields["layers_to_transform"] = config.LayersToTransform is { } layers ? new JsonArray([.. layers.Select(Number)]) : null;
        fields["layers_pattern"] = Names(config.LayersPattern);
        fields["bias"] = config.Bias switch { BiasTraining.None => "none", BiasTraining.All => "all", _ => "lora_only" };
        switch (config)
        {
            case LoraConfig lora: Add(fields, lora); break;
            case AdaLoraConfig adaLora: Add(fields, adaLora); break;
            case MissConfig miss: Add(fields, miss); break;
        }
        return fields;
    }

    private static void Add(Dictionary<string, JsonNode?> fields, LoraConfig c)
    {
        fields["r"] = Number(c.Rank);
        fields["lora_alpha"] = Integral(c.Alpha);
        fields["lora_dropout"] = Real(c.Dropout);
        fields["use_rslora"] = c.UseRslora;
        fields["use_dora"] = c.UseDora;
        fields["rank_pattern"] = new JsonObject(c.RankPattern.Select(p => KeyValuePair.Create(p.Key, Number(p.Value))));
        fields["alpha_pattern"] = new JsonObject(c.AlphaPattern.Select(p => KeyValuePair.Create(p.Key, Integral(p.Value))));
        fields["lora_bias"] = c.LoraBias;
        fields["target_parameters"] = Names(c.TargetParameters);
        fields["trainable_token_indices"] = Tokens(c.TrainableTokens);
        fields["ensure_weight_tying"] = c.EnsureWeightTying;
        fields["fan_in_fan_out"] = c.FanInFanOut;
        fields["eva_config"] = c.Eva is not { } eva ? null : new JsonObject
        {
            ["adjust_scaling_factors"] = eva.AdjustsScaling,
            ["label_mask_value"] = Number(eva.LabelMaskValue),
            ["rho"] = Real(eva.Rho),
            ["tau"] = Real(eva.Tau),
            ["use_label_mask"] = eva.UsesLabelMask,
            ["whiten"] = eva.Whitens,
        };
        fields["init_lora_weights"] = InitializationName.Of(c) is { } name ? name : c.Initialization == LoraInitialization.KaimingUniform;
    }

    private static void Add(Dictionary<string, JsonNode?> fields, AdaLoraConfig c)
    {
        fields["init_r"] = Number(c.InitialRank);
        fields["target_r"] = Number(c.TargetRank);
        fields["lora_alpha"] = Integral(c.Alpha);
        fields["lora_dropout"] = Real(c.Dropout);
        fields["tinit"] = Number(c.InitialSteps);
        fields["tfinal"] = Number(c.FinalSteps);
        fields["deltaT"] = Number(c.Interval);
        fields["beta1"] = Real(c.Beta1);
        fields["beta2"] = Real(c.Beta2);
        fields["orth_reg_weight"] = Real(c.OrthogonalWeight);
        fields["total_step"] = c.TotalSteps is { } steps ? Number(steps) : null;
        fields["rank_pattern"] = c.RankPattern is not { } pattern ? null
            : new JsonObject(pattern.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)new JsonArray([.. p.Value.Select(k => JsonValue.Create(k))]))));
        fields["fan_in_fan_out"] = c.FanInFanOut;
    }

    private static void Add(Dictionary<string, JsonNode?> fields, MissConfig c)
    {
        fields["r"] = Number(c.Rank);
        fields["mini_r"] = Number(c.MiniRank);
        fields["miss_dropout"] = Real(c.Dropout);
        fields["init_weights"] = c.IsBat ? "bat" : c.IsMini ? "mini" : c.StartsFromZero;
    }

    private static JsonNode? Tokens(TrainableTokens? tokens)
    {
        if (tokens is null) return null;
        JsonArray List(IReadOnlyList<int> ids) => new([.. ids.Select(Number)]);
        return tokens.ByModule.TryGetValue("", out var plain) ? List(plain) : new JsonObject(tokens.ByModule.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)List(m.Value))));
    }

    private static JsonNode? Real(double value) => JsonNode.Parse(PythonNumber.Format(value));

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
