namespace LowRank.Adapters;

/// <summary>Applies a resolved configuration to the modules of a model and reports all that does not fit.</summary>
internal sealed class TargetSelector(IReadOnlyList<AdaptableModule> all)
{
    private const int NamesShown = 24;
    // Parameters of experts are no modules: names of modules do not choose them.
    private readonly AdaptableModule[] modules = [.. all.Where(m => m.Kind != ModuleKind.Experts)];
    private readonly List<string> problems = [];
    private readonly List<string> warnings = [];

    public TargetSelection Select(TargetResolution resolution)
    {
        var config = resolution.Config;
        var matcher = new TargetMatcher(config);
        warnings.AddRange(resolution.Warnings);
        var targets = Targets(matcher, config, resolution.TiedTargets);
        if (config is LoraConfig { TargetParameters: { } parameters }) targets = WithParameters(targets, parameters, matcher, config);
        CheckNames(matcher, config);
        CheckLayers(matcher, config);
        CheckTargets(targets, config);
        var saved = Saved(config, resolution.TiedSaved);
        var tokens = Tokens(targets, saved, config);
        if (targets.Count == 0 && problems.Count == 0)
            problems.Add("target_modules: no module is left to adapt; exclude_modules, modules_to_save or layers_to_transform leave out all that match");
        if (problems.Count > 0) throw new LoraConfigException("The LoRA configuration does not fit the model", problems);
        WarnAboutPatterns(targets, config);
        return new TargetSelection(targets, saved, config with { FanInFanOut = Transposed(targets, config) }, warnings) { Tokens = tokens };
    }

    /// <summary>The names by which a user may choose linear modules: the last parts, each once.</summary>
    public static string LinearNames(IReadOnlyList<AdaptableModule> modules) =>
        Shorten([.. modules.Where(m => m.IsLinear).Select(m => m.Name[(m.Name.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal)]);

    private List<AdapterTarget> Targets(TargetMatcher matcher, AdapterConfig config, IReadOnlyList<AdaptableModule> tied)
    {
        var targets = new List<AdapterTarget>();
        var ofExperts = AdaptableModule.ExpertNames(modules);
        foreach (var module in modules)
        {
            var isTied = tied.Contains(module);
            // A bare name that the experts' matrices have means those alone: PEFT takes it from the list and adapts the experts, so that the MLP of a dense layer between them stays as it is.
            if (module.Kind == ModuleKind.Linear && ofExperts.Contains(module.ShortName) && IsBareName(config.TargetModules!, module)) continue;
            if (!isTied && matcher.Match(module.Name) != TargetMatch.Target) continue;
            var (rank, alpha) = matcher.NumbersFor(module.Name);
            var scaling = config.ScalingOf(rank, alpha);
            // Tied matrices have the embedding's rank; the scaling stays the module's own, as in PEFT.
            targets.Add(isTied
                ? new AdapterTarget(module, matcher.NumbersFor(module.TiedTo!).Rank, alpha, scaling) { TiedTo = module.TiedTo }
                : new AdapterTarget(module, rank, alpha, scaling));
        }
        return targets;
    }

    // With the targets of target_parameters, in the model's order.
    private List<AdapterTarget> WithParameters(List<AdapterTarget> targets, IReadOnlyList<string> parameters, TargetMatcher matcher, AdapterConfig config)
    {
        foreach (var unmatched in parameters.Where(p => !all.Any(m => (m.IsLinear || m.Kind == ModuleKind.Experts) && TargetMatcher.Matches(p, m.ParameterName))))
            problems.Add($"target_parameters: \"{unmatched}\" matches no parameter; there are the weights of linear modules, such as {modules.FirstOrDefault(m => m.IsLinear)?.ParameterName}{ExpertParameters()}");
        var byModule = targets.ToDictionary(t => t.Module);
        var chosen = new List<AdapterTarget>();
        foreach (var module in all)
        {
            if (byModule.TryGetValue(module, out var named)) chosen.Add(named);
            if (!(module.IsLinear || module.Kind == ModuleKind.Experts) || !parameters.Any(p => TargetMatcher.Matches(p, module.ParameterName))) continue;
            if (named is not null)
            {
                problems.Add($"target_parameters: {module.ParameterName} is adapted by target_modules already: it can be one of them");
                continue;
            }
            var (rank, alpha) = matcher.NumbersFor(module.ParameterName);
            chosen.Add(new AdapterTarget(module, rank, alpha, config.ScalingOf(rank, alpha)) { IsParameter = true, FileName = module.ParameterName[..module.ParameterName.LastIndexOf('.')] });
        }
        return [.. chosen.Select((t, i) => t.Module.Kind != ModuleKind.Experts ? t : t with { FileName = t.FileName + Wrapped(chosen.Skip(i + 1).Count(later => later.IsParameter && later.FileName == t.FileName)) })];
    }

    // PEFT wraps a module once for each of its parameters that is adapted, the first innermost.
    private static string Wrapped(int times) => string.Concat(Enumerable.Repeat(".base_layer", times));

    private string ExpertParameters() => all.FirstOrDefault(m => m.Kind == ModuleKind.Experts) is { } experts ? $", and those of experts, such as {experts.Name}" : "";

    private static bool IsBareName(ModulePattern targets, AdaptableModule module) =>
        targets.Kind == ModulePatternKind.Names && targets.Entries.Where(e => TargetMatcher.Matches(e, module.Name)).All(e => e == module.ShortName);

    private void CheckNames(TargetMatcher matcher, AdapterConfig config)
    {
        var pattern = config.TargetModules!;
        if (pattern.Entries.Count == 0)
        {
            if (config is not LoraConfig { TargetParameters: not null }) problems.Add("target_modules: the list is empty");
        }
        else if (pattern.Kind == ModulePatternKind.Regex)
        {
            if (!modules.Any(m => matcher.IsNamed(m.Name)))
                problems.Add($"target_modules: the expression \"{pattern}\" matches no module; it has to match the whole name, such as {modules.FirstOrDefault(m => m.IsLinear)?.Name ?? "model.layers.0.self_attn.q_proj"}");
        }
        else
            foreach (var entry in pattern)
                if (!modules.Any(m => TargetMatcher.Matches(entry, m.Name))) problems.Add($"target_modules: \"{entry}\" matches no module{Nearest(entry)}; the linear modules are {LinearNames(modules)}");
        if (config.ExcludeModules is { Entries.Count: > 0 } exclude && !modules.Any(m => matcher.IsExcluded(m.Name)))
            warnings.Add($"exclude_modules: \"{exclude}\" excludes no module.");
    }

    private void CheckLayers(TargetMatcher matcher, AdapterConfig config)
    {
        if (config.LayersToTransform is not { Count: > 0 } layers) return;
        var present = modules.Where(m => matcher.IsNamed(m.Name)).Select(m => matcher.LayerOf(m.Name)).OfType<int>().Distinct().Order().ToArray();
        var absent = layers.Except(present).ToArray();
        if (absent.Length == 0) return;
        var found = present.Length == 0 ? "the targets stand in no layers" + (config.LayersPattern is null ? "" : $" called {string.Join(" or ", config.LayersPattern)}")
            : $"the targets stand in the layers {present[0]} to {present[^1]}";
        problems.Add($"layers_to_transform: there is no layer {string.Join(", ", absent)}; {found}");
    }

    private void CheckTargets(List<AdapterTarget> targets, AdapterConfig config)
    {
        if (targets.Where(t => t.Module.Kind == ModuleKind.Other).Select(t => t.Module.Name).ToArray() is { Length: > 0 } others)
            problems.Add($"target_modules: {Shorten(others)} cannot be adapted; adapters go on linear layers, LoRA on embeddings too");
        var method = AdapterMethod.Of(config);
        foreach (var kind in targets.Where(t => t.Module.Kind != ModuleKind.Other).GroupBy(method.Problem).Where(g => g.Key is not null))
            problems.Add($"target_modules: {Shorten([.. kind.Select(t => t.Module.Name)])}: {kind.Key}");
        if (config is not LoraConfig { LoraBias: true }) return;
        if (targets.FirstOrDefault(t => t.Module.Kind == ModuleKind.Embedding) is { } embedding)
            problems.Add($"lora_bias: an embedding ({embedding.Module.Name}) cannot have one; leave the embedding out or set lora_bias to false");
        if (targets.Where(t => t.Module is { IsLinear: true, HasBias: false }).Select(t => t.Module.Name).ToArray() is { Length: > 0 } plain)
            warnings.Add($"lora_bias: {Shorten(plain)} have no bias, so this adapter cannot be merged into them.");
    }

    private List<SavedModule> Saved(AdapterConfig config, IReadOnlyList<AdaptableModule> tied)
    {
        var saved = new List<SavedModule>();
        var entries = config.ModulesToSave ?? [];
        foreach (var entry in entries)
            if (!modules.Any(m => m.Name.EndsWith(entry, StringComparison.Ordinal))) problems.Add($"modules_to_save: \"{entry}\" matches no module{Nearest(entry)}");
        foreach (var module in modules)
            if (tied.Contains(module)) saved.Add(new SavedModule(module, module.TiedTo));
            else if (entries.Any(e => module.Name.EndsWith(e, StringComparison.Ordinal))) saved.Add(new SavedModule(module, null));
        return saved;
    }

    private List<TokenTarget> Tokens(List<AdapterTarget> targets, List<SavedModule> saved, AdapterConfig config)
    {
        var chosen = new List<TokenTarget>();
        if (config is not LoraConfig { TrainableTokens: { } asked }) return chosen;
        foreach (var (name, tokens) in asked.ByModule)
        {
            var found = modules.Where(m => m.Kind is ModuleKind.Embedding or ModuleKind.Head && (name.Length == 0 ? m.Kind == ModuleKind.Embedding : TargetMatcher.Matches(name, m.Name))).ToArray();
            if (found.Length == 0) problems.Add($"trainable_token_indices: \"{name}\" is neither the token embedding nor the head ({string.Join(", ", modules.Where(m => m.Kind is ModuleKind.Embedding or ModuleKind.Head).Select(m => m.Name))})");
            foreach (var module in found)
            {
                var rows = module.Kind == ModuleKind.Embedding ? module.InFeatures : module.OutFeatures;
                if (tokens.Where(t => t >= rows).ToArray() is { Length: > 0 } absent) problems.Add($"trainable_token_indices: {module.Name} has {rows} tokens, none with the number {string.Join(", ", absent)}");
                if (targets.Any(t => t.Module == module) || saved.Any(s => s.Module == module)) problems.Add($"trainable_token_indices: {module.Name} is a target or in modules_to_save too: it can be one of them");
                if (module.TiedTo is not null) problems.Add($"trainable_token_indices: {module.Name} shares the weight of {module.TiedTo}: name that one, and the head follows it");
                chosen.Add(new TokenTarget(module, tokens, null));
            }
        }
        foreach (var head in modules.Where(m => m.TiedTo is not null))
            if (chosen.Find(t => t.Module.Name == head.TiedTo) is { } embedding) chosen.Add(new TokenTarget(head, embedding.Tokens, head.TiedTo));
        return chosen;
    }

    private void WarnAboutPatterns(List<AdapterTarget> targets, AdapterConfig config)
    {
        foreach (var (field, keys) in new[] { ("rank_pattern", config.Ranks.Keys.ToArray()), ("alpha_pattern", config.Alphas.Keys.ToArray()) })
            foreach (var unused in keys.Except(targets.Select(t => TargetMatcher.FirstMatchingKey(keys, t.Module.Name)).OfType<string>()))
                warnings.Add($"{field}: \"{unused}\" decides for no adapted module.");
    }

    /// <summary>Whether the adapted weights are stored transposed is a fact of the model: what a file says is mended, as PEFT does.</summary>
    private bool Transposed(List<AdapterTarget> targets, AdapterConfig config)
    {
        if (targets.Any(t => t.Module.Kind == ModuleKind.Conv1D)) return true;
        if (config.FanInFanOut && targets.Any(t => t.Module.IsLinear)) warnings.Add("fan_in_fan_out: the weights of this model are stored as [out, in]; it is set to false.");
        return config.FanInFanOut && !targets.Any(t => t.Module.IsLinear);
    }

    private string Nearest(string entry)
    {
        // Compared with endings of as many parts as the entry has.
        var parts = entry.Count(c => c == '.') + 1;
        var nearest = NearestNames.Of(entry, modules.Select(m => string.Join('.', m.Name.Split('.').TakeLast(parts))));
        return nearest.Count == 0 ? "" : $" (did you mean {string.Join(" or ", nearest)}?)";
    }

    private static string Shorten(IReadOnlyList<string> names) =>
        names.Count <= NamesShown ? string.Join(", ", names) : $"{string.Join(", ", names.Take(NamesShown))} and {names.Count - NamesShown} more";
}
