using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>Compares the tensors of an adapter file with those that the model needs; everything that does not fit is reported together.</summary>
internal static class AdapterCheck
{
    private const int Shown = 20;

    // Keys that belong to a form which the configuration does not ask for; the reason is more use than "unexpected".
    private static readonly (string Part, string Meaning)[] OtherForms =
    [
        (".lora_magnitude_vector", "DoRA, which use_dora in adapter_config.json asks for"),
        (".token_adapter.", "trainable tokens, which trainable_token_indices in adapter_config.json asks for"),
        (".trainable_tokens_delta", "trainable tokens, which trainable_token_indices in adapter_config.json asks for"),
        (".lora_E", "AdaLoRA, which peft_type ADALORA in adapter_config.json asks for"),
        (".experts.base_layer.", "LoRA on the parameters of experts, which target_parameters in adapter_config.json asks for"),
    ];

    /// <summary>Throws where the file does not hold exactly what is expected.</summary>
    /// <param name="folder">The adapter's folder, for messages.</param>
    /// <param name="file">Its tensors.</param>
    /// <param name="expected">What the model needs.</param>
    /// <param name="known">Keys that may be there too, or null.</param>
    public static void Strict(string folder, ITensorSource file, IReadOnlyList<AdapterTensorSpec> expected, IReadOnlySet<string>? known = null)
    {
        var byKey = expected.ToDictionary(t => t.Key, StringComparer.Ordinal);
        var missing = expected.Where(t => !t.IsOptional && !file.TryGet(t.Key, out _)).Select(t => t.Key).ToList();
        var unexpected = file.Tensors.Where(t => !byKey.ContainsKey(t.Name) && !t.Name.Contains(".original_module.", StringComparison.Ordinal) && known?.Contains(t.Name) != true).Select(t => t.Name).ToList();
        var problems = new List<string>();
        foreach (var tensor in expected)
        {
            if (!file.TryGet(tensor.Key, out var info)) continue;
            if (!info.Shape.AsSpan().SequenceEqual(tensor.Shape)) problems.Add($"{tensor.Key} has shape {info.ShapeText}, the model needs {TensorInfo.ShapeOf(tensor.Shape)}");
            else if (info.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16)) problems.Add($"{tensor.Key} is {info.Type}; F32, F16 and BF16 are read");
        }
        Add(missing, unexpected, "is missing", problems);
        Add(unexpected, missing, "is not part of this adapter on this model", problems);
        if (problems.Count > 0)
            throw new AdapterException(folder, $"the adapter does not fit the model ({missing.Count} tensors missing, {unexpected.Count} unexpected, {problems.Count(p => p.Contains(" has shape ", StringComparison.Ordinal))} of another shape). Is this the base model that it was trained on?", problems);
    }

    private static void Add(List<string> keys, List<string> others, string what, List<string> problems)
    {
        foreach (var key in keys.Take(Shown))
        {
            var form = Array.Find(OtherForms, f => key.Contains(f.Part, StringComparison.Ordinal)).Meaning;
            var nearest = form is null ? NearestNames.Of(key, others, 1) : [];
            problems.Add($"{key} {what}{(form is null ? "" : $" (it belongs to {form})")}{(nearest.Count == 0 ? "" : $" (there is {nearest[0]})")}");
        }
        if (keys.Count > Shown) problems.Add($"and {keys.Count - Shown} more keys of which each {what}");
    }
}
