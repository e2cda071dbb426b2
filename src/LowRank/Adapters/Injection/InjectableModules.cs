using LowRank.Adapters.Initialization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>What <see cref="LoraInjector"/> finds in a TorchSharp module.</summary>
internal static class InjectableModules
{
    /// <summary>The linear layers by their dotted names; one that is registered twice counts once, by its first name.</summary>
    public static IReadOnlyDictionary<string, Linear> Linears(nn.Module module)
    {
        var found = new OrderedDictionary<string, Linear>(StringComparer.Ordinal);
        var seen = new HashSet<Linear>(ReferenceEqualityComparer.Instance);
        foreach (var (name, inner) in module.named_modules())
            if (inner is Linear linear && seen.Add(linear)) found.Add(name, linear);
        return found;
    }

    /// <summary>Chooses the targets; what works only on LowRank's own models is refused by name.</summary>
    public static TargetSelection Select(LoraConfig config, nn.Module module, IReadOnlyDictionary<string, Linear> linears)
    {
        var problems = new List<string>();
        if (linears.Count == 0) problems.Add($"{module.GetName()} has no Linear layers, and LoRA on a TorchSharp module goes on these alone");
        if (config.ModulesToSave is { Count: > 0 }) problems.Add("modules_to_save: not supported on a TorchSharp module; set requires_grad on these parameters after attaching and save them yourself");
        if (config.Bias != BiasTraining.None) problems.Add("bias: trained biases are not supported on a TorchSharp module; lora_bias is");
        if (config.UseDora) problems.Add("use_dora: DoRA is not supported on a TorchSharp module");
        if (config.StartsFromWeight) problems.Add($"init_lora_weights: \"{InitializationName.Of(config)}\" is not supported on a TorchSharp module, whose weights stay the module's own; true, false, \"gaussian\" and \"orthogonal\" are");
        if (config.TrainableTokens is not null) problems.Add("trainable_token_indices: trained rows are not supported on a TorchSharp module");
        if (problems.Count > 0) throw new LoraConfigException("LoRA cannot be attached", problems);
        return TargetMatcher.Select(config, Describe(module, linears));
    }

    private static List<AdaptableModule> Describe(nn.Module module, IReadOnlyDictionary<string, Linear> linears)
    {
        var modules = new List<AdaptableModule>();
        foreach (var (name, inner) in module.named_modules())
            if (linears.TryGetValue(name, out var linear)) modules.Add(new AdaptableModule(name, ModuleKind.Linear, linear.weight.shape[1], linear.weight.shape[0], linear.bias is not null));
            else if (inner is not Linear) modules.Add(new AdaptableModule(name, ModuleKind.Other, 0, 0, false));
        return modules;
    }
}
