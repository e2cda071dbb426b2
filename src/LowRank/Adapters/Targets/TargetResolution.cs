namespace LowRank.Adapters;

/// <summary>A configuration whose targets are names or an expression, and the modules that share what the embedding gets.</summary>
/// <param name="Config">The configuration as it is saved.</param>
/// <param name="TiedTargets">Modules that use the embedding's LoRA matrices (<c>ensure_weight_tying</c> with the embedding as a target).</param>
/// <param name="TiedSaved">Modules that use the embedding's trained copy (<c>ensure_weight_tying</c> with the embedding saved whole).</param>
/// <param name="Warnings">What a user should know.</param>
internal sealed record TargetResolution(
    AdapterConfig Config, IReadOnlyList<AdaptableModule> TiedTargets, IReadOnlyList<AdaptableModule> TiedSaved, IReadOnlyList<string> Warnings)
{
    /// <summary>From this number on, PEFT says a list of targets with as few endings as it can.</summary>
    private const int ManyTargets = 20;

    // PEFT knows embeddings and heads by these names alone (constants.py, EMBEDDING_LAYER_NAMES, SEQ_CLS_HEAD_NAMES).
    private static readonly string[] EmbeddingNames = ["embed_tokens", "lm_head"];
    private static readonly string[] ClassifierNames = ["score", "classifier"];

    /// <summary>Replaces presets, shares weights, and replaces <c>all-linear</c> and family defaults, in PEFT's order.</summary>
    public static TargetResolution Resolve(AdapterConfig config, IReadOnlyList<AdaptableModule> modules, string? modelType)
    {
        if (config.TargetModules is { Kind: ModulePatternKind.Preset } preset) config = config with { TargetModules = ExpandPresets(preset, modules) };
        var tied = Tie(config, modules);
        var resolved = tied.Config.TargetModules switch
        {
            null when tied.Config is LoraConfig { TargetParameters: not null } => tied.Config with { TargetModules = ModulePattern.FromNames([]) },
            null => tied.Config with { TargetModules = FamilyDefault(tied.Config.Kind, modelType) },
            { Kind: ModulePatternKind.AllLinear } => WithExperts(tied.Config with { TargetModules = AllLinear(tied.Config, modules) }, modules),
            _ => tied.Config,
        };
        if (tied.Config is Ia3Config { TargetModules: null, FeedForwardModules: null, Source: null } && resolved is Ia3Config byDefault && FamilyTargetModules.FeedForwardOfIa3(modelType!) is { } inner)
            resolved = byDefault with { FeedForwardModules = inner };
        return tied with { Config = FeedForward(resolved) };
    }

    /// <summary>A new (IA)³ scales the inputs of down projections, as PEFT's table of families has it; in a file nothing is added to what it says.</summary>
    private static AdapterConfig FeedForward(AdapterConfig config) =>
        config is Ia3Config { FeedForwardModules: null, Source: null, TargetModules: { Kind: ModulePatternKind.Names } targets } ia3 && targets.Where(IsDownProjection).ToArray() is { Length: > 0 } inner
            ? ia3 with { FeedForwardModules = ModulePattern.FromNames(inner) } : config;

    private static bool IsDownProjection(string name) => name[(name.LastIndexOf('.') + 1)..] is "down_proj" or "fc2" or "w2" || name.EndsWith("mlp.c_proj", StringComparison.Ordinal);

    private static ModulePattern ExpandPresets(ModulePattern preset, IReadOnlyList<AdaptableModule> modules)
    {
        var names = new List<string>();
        var empty = new List<string>();
        foreach (var entry in preset)
        {
            IReadOnlyList<string> expanded = TargetPresets.IsPreset(entry) ? TargetPresets.Expand(entry, modules) : [entry];
            if (expanded.Count == 0) empty.Add($"target_modules: the preset \"{entry}\" finds nothing; the model's linear modules are {TargetSelector.LinearNames(modules)}");
            foreach (var name in expanded)
                if (!names.Contains(name)) names.Add(name);
        }
        return empty.Count == 0 ? ModulePattern.FromNames([.. names]) : throw new LoraConfigException("The targets do not fit the model", empty);
    }

    private static ModulePattern FamilyDefault(AdapterKind kind, string? modelType) =>
        (modelType is null ? null : FamilyTargetModules.For(kind, modelType))
        ?? throw new LoraConfigException($"target_modules: not given, and there is no default for the model type \"{modelType ?? "(none)"}\". Give names, \"all-linear\" or a preset ({string.Join(", ", TargetPresets.Names)}).");

    private static ModulePattern AllLinear(AdapterConfig config, IReadOnlyList<AdaptableModule> modules)
    {
        var classifier = config.TaskType == "SEQ_CLS" && modules.All(m => m.Kind != ModuleKind.Head)
            ? ClassifierNames.FirstOrDefault(c => modules.Any(m => m.Name == c)) : null;
        var ofExperts = AdaptableModule.ExpertNames(modules);
        var chosen = modules.ToLookup(m => m.IsInAllLinear && m.Name != classifier && !ofExperts.Contains(m.ShortName), m => m.Name);
        string[] names = [.. chosen[true]];
        return ModulePattern.FromNames([.. names.Length >= ManyTargets ? MinimalSuffixes.Of(names, chosen[false]) : names]);
    }

    /// <summary>
    /// <c>all-linear</c> means the matrices of a mixture's experts and its router too. A LoRA adapts them as parameters; of a parameter that holds two matrices of each expert rank and alpha
    /// are doubled, as if each had a pair (PEFT, <c>transformers_weight_conversion.py</c>).
    /// </summary>
    private static AdapterConfig WithExperts(AdapterConfig config, IReadOnlyList<AdaptableModule> modules)
    {
        if (config is not LoraConfig lora || modules.All(m => m.Kind != ModuleKind.Experts)) return config;
        var parameters = modules.Where(m => m.Kind == ModuleKind.Experts).ToArray();
        var routers = modules.Where(m => m.Kind == ModuleKind.Router).Select(m => string.Join('.', m.ParameterName.Split('.')[^2..]));
        string[] names = [.. parameters.Select(m => m.ShortName).Concat(routers).Concat(lora.TargetParameters ?? []).Distinct().Order(StringComparer.Ordinal)];
        var (ranks, alphas) = (new OrderedDictionary<string, int>(lora.RankPattern), new OrderedDictionary<string, double>(lora.AlphaPattern));
        foreach (var parameter in parameters.DistinctBy(m => m.ShortName))
        {
            var together = modules.Count(m => m.PartOf == parameter.Name) / parameter.Experts;
            if (together < 2) continue;
            ranks[$@".*\.{parameter.ShortName}"] = lora.Rank * together;
            alphas[$@".*\.{parameter.ShortName}"] = lora.Alpha * together;
        }
        return lora with { TargetParameters = names, RankPattern = ranks, AlphaPattern = alphas };
    }

    /// <summary>
    /// With <c>ensure_weight_tying</c> the embedding is added by its full name and the modules that share its weight leave the lists, to be
    /// tied to it afterwards (PEFT, <c>lora/model.py</c>, <c>_add_targets_to_tie</c> and <c>_add_modules_to_save_to_tie</c>).
    /// </summary>
    private static TargetResolution Tie(AdapterConfig config, IReadOnlyList<AdaptableModule> modules)
    {
        var shared = modules.Where(m => m.TiedTo is not null).ToArray();
        var isSaved = (config.ModulesToSave ?? []).Any(IsEmbedding);
        var isTarget = config.TargetModules switch
        {
            { Kind: ModulePatternKind.Names } names => names.Any(IsEmbedding),
            { Kind: ModulePatternKind.Regex } regex => EmbeddingNames.Any(n => PythonRegex.IsMatch(PythonRegex.FullMatch(regex.Entries[0]), n, regex.Entries[0])),
            _ => false,
        };
        if (!config.EnsureWeightTying)
            return new TargetResolution(config, [], [], shared.Length > 0 && (isSaved || isTarget)
                ? [$"{shared[0].Name} shares its weight with {shared[0].TiedTo}, and the adapter trains only what is named: the two will differ. Set ensure_weight_tying to train them as one."] : []);
        if (shared.Length == 0) return new TargetResolution(config, [], [], ["ensure_weight_tying: the model has no modules that share a weight."]);

        var embedding = shared[0].TiedTo!;
        if (isSaved)
            return new TargetResolution(config with { ModulesToSave = WithEmbedding(config.ModulesToSave!, embedding, shared) }, [], shared, []);
        if (!isTarget)
            return new TargetResolution(config, [], [], ["ensure_weight_tying: neither target_modules nor modules_to_save names the embedding or the head."]);
        var targets = config.TargetModules!.Kind == ModulePatternKind.Regex
            ? WithEmbedding(config.TargetModules.Entries[0], embedding)
            : ModulePattern.FromNames([.. WithEmbedding(config.TargetModules.Entries, embedding, shared)]);
        return new TargetResolution(config with { TargetModules = targets }, shared, [], []);
    }

    private static ModulePattern WithEmbedding(string expression, string embedding)
    {
        var alternative = $"|^{embedding.Replace(".", "\\.", StringComparison.Ordinal)}$)";
        // An adapter that was saved with the alternative and is loaded again does not get it twice.
        return ModulePattern.Regex(expression.EndsWith(alternative, StringComparison.Ordinal) ? expression : $"(?:{expression}{alternative}");
    }

    private static List<string> WithEmbedding(IReadOnlyList<string> names, string embedding, AdaptableModule[] shared)
    {
        List<string> result = [.. names];
        if (!result.Contains(embedding)) result.Add(embedding);
        foreach (var module in shared)
        {
            var entry = result.FindIndex(n => PythonRegex.IsMatch(PythonRegex.Match($@"(^|.*\.){n}($|\..*)"), module.Name, n));
            if (entry >= 0) result.RemoveAt(entry);
        }
        return result;
    }

    private static bool IsEmbedding(string name) => EmbeddingNames.Contains(name[(name.LastIndexOf('.') + 1)..]);
}
