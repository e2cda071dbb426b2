namespace LowRank.Adapters;

/// <summary>
/// The names of tensors in PEFT's <c>adapter_model.safetensors</c>, both ways. A key is <c>base_model.model.</c>, the module's name and an
/// ending; the adapter's own name ("default") and the wrapper of modules that are saved whole are left out of it.
/// </summary>
public static class AdapterKeys
{
    /// <summary>What every key begins with.</summary>
    public const string Prefix = "base_model.model.";

    private static readonly (string Ending, AdapterTensorKind Kind)[] Endings =
    [
        (".lora_A.weight", AdapterTensorKind.LoraA),
        (".lora_B.weight", AdapterTensorKind.LoraB),
        (".lora_B.bias", AdapterTensorKind.LoraBBias),
        (".lora_magnitude_vector", AdapterTensorKind.Magnitude),
        (".lora_A", AdapterTensorKind.AdaLoraA),
        (".lora_B", AdapterTensorKind.AdaLoraB),
        (".lora_E", AdapterTensorKind.AdaLoraE),
        (".miss_block", AdapterTensorKind.MissBlock),
        (".ia3_l", AdapterTensorKind.Ia3),
        (".token_adapter.trainable_tokens_delta", AdapterTensorKind.TokenRows),
        (".lora_embedding_A", AdapterTensorKind.EmbeddingA),
        (".lora_embedding_B", AdapterTensorKind.EmbeddingB),
        (".base_layer.bias", AdapterTensorKind.BaseBias),
        (".base_layer.weight", AdapterTensorKind.BaseCopy),
    ];

    // PEFT knows embeddings and heads by these names alone (constants.py, EMBEDDING_LAYER_NAMES).
    private static readonly string[] EmbeddingNames = ["embed_tokens", "lm_head"];

    /// <summary>The key of a tensor's name in the adapted model.</summary>
    /// <param name="name">Such as <c>model.layers.0.self_attn.q_proj.lora_A.weight</c>.</param>
    public static string ToKey(string name) => Prefix + name;

    /// <summary>The name of a key in the adapted model; null for a key that is none of PEFT's.</summary>
    /// <param name="key">Such as <c>base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight</c>.</param>
    public static string? ToName(string key) => key.StartsWith(Prefix, StringComparison.Ordinal) ? key[Prefix.Length..] : null;

    /// <summary>What a tensor is and which module it belongs to, by its name in the adapted model.</summary>
    /// <param name="name">Such as <c>model.layers.0.self_attn.q_proj.lora_A.weight</c>.</param>
    /// <returns>The kind and the module; a name with none of LoRA's endings is a tensor of a module that is saved whole, or a bias.</returns>
    public static (AdapterTensorKind Kind, string Module) Parse(string name)
    {
        foreach (var (ending, kind) in Endings)
            if (name.EndsWith(ending, StringComparison.Ordinal)) return (kind, name[..^ending.Length]);
        return (AdapterTensorKind.Saved, name[..Math.Max(0, name.LastIndexOf('.'))]);
    }

    /// <summary>The name of a trained tensor of a module.</summary>
    /// <param name="module">The module's name in the base.</param>
    /// <param name="kind">One of the kinds with an ending of its own.</param>
    public static string NameOf(string module, AdapterTensorKind kind)
    {
        var ending = Array.Find(Endings, e => e.Kind == kind).Ending;
        return ending is not null ? module + ending : throw new ArgumentException($"{kind} has no ending of its own.", nameof(kind));
    }

    /// <summary>All tensors that belong into the file of an adapter, with their shapes.</summary>
    /// <param name="selection">What the configuration means for the model.</param>
    /// <param name="modules">All modules of the model, as they were given to <see cref="TargetMatcher.Select"/>.</param>
    public static IReadOnlyList<AdapterTensorSpec> TensorsOf(TargetSelection selection, IReadOnlyList<AdaptableModule> modules)
    {
        var config = selection.Config;
        var tensors = new List<AdapterTensorSpec>();
        var method = AdapterMethod.Of(config);
        foreach (var target in selection.Targets)
            tensors.AddRange(method.Tensors(target).Select(t => new AdapterTensorSpec(NameOf(target.FileName, t.Kind), t.Kind, target.Module.Name, t.Shape)));
        foreach (var (module, rows, _) in selection.Tokens.Where(t => t.TiedTo is null))
            tensors.Add(new AdapterTensorSpec(NameOf(module.Name, AdapterTensorKind.TokenRows), AdapterTensorKind.TokenRows, module.Name, [rows.Count, module.Kind == ModuleKind.Embedding ? module.OutFeatures : module.InFeatures]));
        AddSaved(selection, tensors);
        AddBiases(selection, modules, tensors);
        if (config.Kind == AdapterKind.Lora && CopiesEmbeddings(config, modules))
            foreach (var target in selection.Targets)
                if (target.Module is { Kind: ModuleKind.Embedding or ModuleKind.Head } module)
                {
                    tensors.Add(new AdapterTensorSpec(NameOf(module.Name, AdapterTensorKind.BaseCopy), AdapterTensorKind.BaseCopy, module.Name, module.WeightShape!));
                    if (module.HasBias && config.Bias == BiasTraining.None)
                        tensors.Add(new AdapterTensorSpec($"{module.Name}.base_layer.bias", AdapterTensorKind.BaseCopy, module.Name, [module.OutFeatures]));
                }
        return tensors;
    }

    private static void AddSaved(TargetSelection selection, List<AdapterTensorSpec> tensors)
    {
        foreach (var (module, _) in selection.ModulesToSave)
        {
            if (module.WeightShape is { } weight) tensors.Add(new AdapterTensorSpec($"{module.Name}.weight", AdapterTensorKind.Saved, module.Name, weight));
            if (module.HasBias) tensors.Add(new AdapterTensorSpec($"{module.Name}.bias", AdapterTensorKind.Saved, module.Name, [module.OutFeatures]));
        }
    }

    private static void AddBiases(TargetSelection selection, IReadOnlyList<AdaptableModule> modules, List<AdapterTensorSpec> tensors)
    {
        if (selection.Config.Bias == BiasTraining.None) return;
        var adapted = selection.Targets.Select(t => t.Module.Name).ToHashSet(StringComparer.Ordinal);
        var saved = selection.ModulesToSave.Select(m => m.Module.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var module in modules.Where(m => m.HasBias))
            if (adapted.Contains(module.Name))
                tensors.Add(new AdapterTensorSpec(NameOf(module.Name, AdapterTensorKind.BaseBias), AdapterTensorKind.BaseBias, module.Name, [module.OutFeatures]));
            else if (selection.Config.Bias == BiasTraining.All && !saved.Contains(module.Name))
                tensors.Add(new AdapterTensorSpec($"{module.Name}.bias", AdapterTensorKind.BaseBias, module.Name, [module.OutFeatures]));
    }

    /// <summary>
    /// Whether PEFT stores the base weights of adapted embeddings and heads: where the targets name one of the two usual names literally, or
    /// as an expression match a module of that name (<c>save_and_load.py</c>, <c>get_peft_model_state_dict</c>).
    /// </summary>
    private static bool CopiesEmbeddings(AdapterConfig config, IReadOnlyList<AdaptableModule> modules)
    {
        if (config.TargetModules?.Kind != ModulePatternKind.Regex) return config.TargetModules?.Entries.Any(EmbeddingNames.Contains) == true;
        var matcher = new TargetMatcher(config);
        return modules.Any(m => EmbeddingNames.Any(e => TargetMatcher.Matches(e, m.Name)) && matcher.IsNamed(m.Name));
    }
}
