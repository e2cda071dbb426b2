namespace LowRank.Training.Import;

/// <summary>The optimizers of transformers and axolotl by name: those that are AdamW.</summary>
internal static class OptimizerNames
{
    private static readonly Dictionary<string, (string Optimizer, bool Paged)> Table = new(StringComparer.Ordinal)
    {
        ["adamw_torch"] = ("adamw", false),
        ["adamw_torch_fused"] = ("adamw", false),
        ["adamw_hf"] = ("adamw", false),
        ["adamw"] = ("adamw", false),
        ["adamw_apex_fused"] = ("adamw", false),
        ["optimi_adamw"] = ("adamw", false),
        ["flash_adamw"] = ("adamw", false),
        ["adamw_8bit"] = ("adamw8bit", false),
        ["adamw_bnb_8bit"] = ("adamw8bit", false),
        ["paged_adamw"] = ("adamw", true),
        ["paged_adamw_32bit"] = ("adamw", true),
        ["paged_adamw_8bit"] = ("adamw8bit", true),
    };

    /// <summary>Reads the optimizer and what belongs to it.</summary>
    public static void Read(SourceReader reader, string key)
    {
        if (reader.Text(key) is { } name)
        {
            if (!Table.TryGetValue(name, out var known)) reader.Refuse(key, $"{name}: LowRank trains with AdamW. Take adamw_torch or adamw_8bit, and choose the learning rate anew, because it belongs to the optimizer.");
            else
            {
                reader.Set("optimizer", known.Optimizer, key, $"{key}: {name}");
                if (known.Paged) reader.Set("paged", "true", key, $"{key}: {name}");
            }
        }
        Constant(reader, "adam_beta1", 0.9);
        Constant(reader, "adam_beta2", 0.999);
        Constant(reader, "adam_epsilon", 1e-8);
        reader.Copy("weight_decay", "weight-decay", "0");
        reader.Copy("max_grad_norm", "max-grad-norm", "1");
    }

    private static void Constant(SourceReader reader, string key, double value)
    {
        if (reader.Number(key) is not { } given) return;
        if (given == value) reader.Run.HasNoEffect(key, SourceReader.AsHere);
        else reader.Refuse(key, $"{SourceReader.Format(given)}: LowRank's AdamW has {SourceReader.Format(value)}.");
    }
}
