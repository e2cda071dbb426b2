using LowRank.Adapters.Initialization;

namespace LowRank.Adapters;

/// <summary>The rules between the settings of an <see cref="AdapterConfig"/>.</summary>
internal static class AdapterConfigValidation
{
    public static void ThrowOnProblems(AdapterConfig config, string subject)
    {
        var problems = Problems(config);
        if (problems.Count > 0) throw new LoraConfigException(subject, problems);
    }

    public static List<string> Problems(AdapterConfig config)
    {
        var problems = new List<string>();
        switch (config)
        {
            case LoraConfig lora: AddLora(lora, problems); break;
            case AdaLoraConfig adaLora: AddAdaLora(adaLora, problems); break;
            case MissConfig miss: AddMiss(miss, problems); break;
            case Ia3Config ia3: AddIa3(ia3, problems); break;
        }
        CheckPattern("target_modules", config.TargetModules, problems);
        CheckPattern("exclude_modules", config.ExcludeModules, problems);
        if (config.ExcludeModules?.Kind is ModulePatternKind.AllLinear or ModulePatternKind.Preset)
            problems.Add($"exclude_modules: \"{config.ExcludeModules}\" must be a list of names or a regular expression");

        var isString = config.TargetModules?.Kind is ModulePatternKind.Regex or ModulePatternKind.AllLinear;
        if (isString && config.LayersToTransform is not null) problems.Add($"layers_to_transform: cannot be used when target_modules is a string (\"{config.TargetModules}\"); give a list of names");
        if (isString && config.LayersPattern is not null) problems.Add($"layers_pattern: cannot be used when target_modules is a string (\"{config.TargetModules}\"); give a list of names");
        if (config.LayersPattern is { Count: > 0 } && config.LayersToTransform is null) problems.Add("layers_pattern: needs layers_to_transform beside it");
        foreach (var layer in config.LayersToTransform ?? [])
            if (layer < 0) problems.Add($"layers_to_transform: {layer} must be at least 0");
        foreach (var pattern in config.LayersPattern ?? []) CheckRegex("layers_pattern", pattern, problems);
        foreach (var name in config.ModulesToSave ?? [])
        {
            if (name.Length == 0) problems.Add("modules_to_save: a name is empty");
            else CheckRegex("modules_to_save", name, problems);
        }
        return problems;
    }

    private static void AddLora(LoraConfig config, List<string> problems)
    {
        if (config.Rank < 1) problems.Add($"r: {config.Rank} must be at least 1");
        CheckAlpha(config.Alpha, problems);
        CheckDropout("lora_dropout", config.Dropout, problems);
        foreach (var (key, rank) in config.RankPattern)
            if (rank < 1) problems.Add($"rank_pattern: the rank {rank} of \"{key}\" must be at least 1");
        foreach (var (key, alpha) in config.AlphaPattern)
            if (!double.IsFinite(alpha)) problems.Add($"alpha_pattern: {alpha} of \"{key}\" must be a finite number");
        foreach (var key in config.RankPattern.Keys) CheckRegex("rank_pattern", key, problems);
        foreach (var key in config.AlphaPattern.Keys) CheckRegex("alpha_pattern", key, problems);
        if (config.LoraBias && InitializationName.Of(config) is { } start) problems.Add($"lora_bias: works only with init_lora_weights true or false, not \"{start}\"");
        AddInitialization(config, problems);
        if (config.TargetParameters?.Any(p => p.Length == 0) == true) problems.Add("target_parameters: a name is empty");
        if (config is { LoraBias: true, UseDora: true }) problems.Add("lora_bias: DoRA has no bias of B; set one of lora_bias and use_dora to false");
        foreach (var (module, tokens) in config.TrainableTokens?.ByModule ?? [])
            if (tokens.Count == 0 || tokens.Any(t => t < 0) || tokens.Distinct().Count() != tokens.Count)
                problems.Add($"trainable_token_indices: the tokens{(module.Length == 0 ? "" : $" of \"{module}\"")} must be one or more different numbers from 0");
    }

    private static void AddInitialization(LoraConfig config, List<string> problems)
    {
        var start = InitializationName.Of(config);
        if (config.PissaIterations is { } count && (count < 0 || config.Initialization != LoraInitialization.Pissa))
            problems.Add($"init_lora_weights: {count} iterations must be at least 0, and are PiSSA's alone");
        if (config.Initialization == LoraInitialization.Orthogonal)
            foreach (var odd in config.RankPattern.Values.Prepend(config.Rank).Where(r => r % 2 != 0).Distinct()) problems.Add($"init_lora_weights: \"{start}\" needs an even rank, not {odd}");
        if (config.Eva is { } eva)
        {
            if (!(eva.Rho >= 1) || !double.IsFinite(eva.Rho)) problems.Add($"eva_config: rho {PythonNumber.Format(eva.Rho)} must be at least 1");
            if (!(eva.Tau is >= 0 and <= 1)) problems.Add($"eva_config: tau {PythonNumber.Format(eva.Tau)} must be from 0 to 1");
        }
        if (config.Initialization == LoraInitialization.LoftQ) CheckScaling(start!, config, problems);
        if (!config.StartsFromWeight) return;
        if (config.UseDora) problems.Add($"use_dora: DoRA that starts from the weight (init_lora_weights \"{start}\") is not supported yet; set one of them to its default");
        if (config.Initialization == LoraInitialization.Pissa) CheckScaling(start!, config, problems);
    }

    private static void CheckScaling(string start, LoraConfig config, List<string> problems)
    {
        foreach (var alpha in config.AlphaPattern.Values.Prepend(config.Alpha).Where(a => a <= 0).Distinct())
            problems.Add($"lora_alpha: init_lora_weights \"{start}\" divides by the scaling, so that {PythonNumber.Format(alpha)} must be above 0");
    }

    private static void AddAdaLora(AdaLoraConfig config, List<string> problems)
    {
        if (config.InitialRank < 1) problems.Add($"init_r: {config.InitialRank} must be at least 1");
        if (config.TargetRank < 0 || config.TargetRank > config.InitialRank) problems.Add($"target_r: {config.TargetRank} must be from 0 to init_r, which is {config.InitialRank}");
        CheckAlpha(config.Alpha, problems);
        CheckDropout("lora_dropout", config.Dropout, problems);
        foreach (var (name, value, least) in new[] { ("tinit", config.InitialSteps, 0), ("tfinal", config.FinalSteps, 0), ("deltaT", config.Interval, 1) })
            if (value < least) problems.Add($"{name}: {value} must be at least {least}");
        foreach (var (name, value) in new[] { ("beta1", config.Beta1), ("beta2", config.Beta2) })
            if (value is not (> 0 and < 1)) problems.Add($"{name}: {PythonNumber.Format(value)} must be above 0 and below 1");
        if (!(config.OrthogonalWeight >= 0) || !double.IsFinite(config.OrthogonalWeight)) problems.Add($"orth_reg_weight: {PythonNumber.Format(config.OrthogonalWeight)} must be at least 0");
        if (config.TotalSteps is { } total && config.InitialSteps >= total - config.FinalSteps)
            problems.Add($"total_step: {total} steps leave none between tinit ({config.InitialSteps}) and tfinal ({config.FinalSteps}), in which ranks could be shared out; lower these or train longer");
        foreach (var (name, kept) in config.RankPattern ?? [])
            if (!name.EndsWith(".lora_E", StringComparison.Ordinal) || kept.Count != config.InitialRank)
                problems.Add($"rank_pattern: \"{name}\" must be the name of a lora_E with {config.InitialRank} (init_r) values, it has {kept.Count}");
    }

    private static void AddMiss(MissConfig config, List<string> problems)
    {
        if (config.Rank < 1) problems.Add($"r: {config.Rank} must be at least 1");
        if (config.MiniRank < 1) problems.Add($"mini_r: {config.MiniRank} must be at least 1");
        if (config is { IsMini: true, IsBat: true }) problems.Add("init_weights: \"mini\" and \"bat\" are two forms of D; set one of IsMini and IsBat to false");
        CheckDropout("miss_dropout", config.Dropout, problems);
    }

    private static void AddIa3(Ia3Config config, List<string> problems)
    {
        CheckPattern("feedforward_modules", config.FeedForwardModules, problems);
        if (config is { FeedForwardModules: { Kind: ModulePatternKind.Names } inner, TargetModules: { Kind: ModulePatternKind.Names } targets })
            foreach (var name in inner.Except(targets)) problems.Add($"feedforward_modules: \"{name}\" is not one of target_modules ({targets})");
    }

    private static void CheckAlpha(double alpha, List<string> problems)
    {
        if (!double.IsFinite(alpha)) problems.Add($"lora_alpha: {alpha} must be a finite number");
    }

    private static void CheckDropout(string field, double dropout, List<string> problems)
    {
        if (dropout is not (>= 0 and < 1)) problems.Add($"{field}: {PythonNumber.Format(dropout)} must be at least 0 and below 1");
    }

    private static void CheckPattern(string field, ModulePattern? pattern, List<string> problems)
    {
        if (pattern is null) return;
        if (pattern.Kind == ModulePatternKind.Regex) CheckRegex(field, pattern.Entries[0], problems);
        foreach (var entry in pattern)
            if (entry.Length == 0) problems.Add($"{field}: a name is empty");
    }

    private static void CheckRegex(string field, string expression, List<string> problems)
    {
        try { _ = PythonRegex.FullMatch(expression); }
        catch (LoraConfigException e) { problems.Add($"{field}: {e.Problems[0]}"); }
    }
}
