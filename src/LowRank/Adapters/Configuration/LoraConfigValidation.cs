namespace LowRank.Adapters;

/// <summary>The rules between the settings of a <see cref="LoraConfig"/>.</summary>
internal static class LoraConfigValidation
{
    public static void ThrowOnProblems(LoraConfig config, string subject)
    {
        var problems = Problems(config);
        if (problems.Count > 0) throw new LoraConfigException(subject, problems);
    }

    public static List<string> Problems(LoraConfig config)
    {
        var problems = new List<string>();
        if (config.Rank < 1) problems.Add($"r: {config.Rank} must be at least 1");
        if (!double.IsFinite(config.Alpha)) problems.Add($"lora_alpha: {config.Alpha} must be a finite number");
        if (config.Dropout is not (>= 0 and < 1)) problems.Add($"lora_dropout: {PythonNumber.Format(config.Dropout)} must be at least 0 and below 1");
        foreach (var (key, rank) in config.RankPattern)
            if (rank < 1) problems.Add($"rank_pattern: the rank {rank} of \"{key}\" must be at least 1");
        foreach (var (key, alpha) in config.AlphaPattern)
            if (!double.IsFinite(alpha)) problems.Add($"alpha_pattern: {alpha} of \"{key}\" must be a finite number");
        foreach (var key in config.RankPattern.Keys) CheckRegex("rank_pattern", key, problems);
        foreach (var key in config.AlphaPattern.Keys) CheckRegex("alpha_pattern", key, problems);
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
        if (config is { LoraBias: true, Initialization: LoraInitialization.Gaussian }) problems.Add("lora_bias: works only with init_lora_weights true or false, not \"gaussian\"");
        return problems;
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
