using LowRank.Adapters.Initialization;
using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>
/// Writes a LoRA whose update is B A itself: alpha is the rank, and there is neither rsLoRA nor a pattern. The scaling goes into B, and matrices of lower rank are filled up with zeros. Programs
/// that take alpha / r for every module, whatever else the configuration says, then compute what the adapter means.
/// </summary>
internal static class PortableAdapter
{
    /// <summary>Writes a portable form of an adapter, folder to folder.</summary>
    /// <param name="adapter">A folder of PEFT or LowRank.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <exception cref="LowRankException">The adapter is missing, damaged or has no portable form; the folder exists and is not empty.</exception>
    public static PortableReport Write(string adapter, string folder)
    {
        using var source = PortableSource.Open(adapter);
        using var writer = AdapterFolder.Create(folder, source.Config, source.Tensors, source.Record);
        source.WriteTo(writer);
        writer.Commit();
        return source.Report;
    }

    /// <summary>Gives the adapter in a folder that is being made its portable form.</summary>
    /// <exception cref="LowRankException">It has none.</exception>
    public static void Replace(string folder)
    {
        var beside = Path.Combine(folder, ".plain");
        Directory.CreateDirectory(beside);
        foreach (var name in new[] { AdapterConfig.FileName, AdapterFolder.WeightsFile, AdapterRecord.FileName })
            if (File.Exists(Path.Combine(folder, name))) File.Move(Path.Combine(folder, name), Path.Combine(beside, name));
        using (var source = PortableSource.Open(beside))
        using (var writer = AdapterFolder.WriteInto(folder, source.Config, source.Tensors, source.Record))
        {
            source.WriteTo(writer);
            writer.Commit();
        }
        Directory.Delete(beside, recursive: true);
    }

    /// <summary>Why an adapter of this configuration has no portable form, or null where it has one. Told before a run that would save it so.</summary>
    public static string? Problem(AdapterConfig config) => config switch
    {
        LoraConfig { EnsureWeightTying: true } tied when tied.RankPattern.Count + tied.AlphaPattern.Count > 0 =>
            "ensure_weight_tying together with rank_pattern or alpha_pattern may scale the head unlike the embedding whose matrices it shares, so the scaling cannot go into them",
        LoraConfig { TargetParameters: not null } => "it adapts parameters of experts (target_parameters), whose matrices have the ranks of all experts together; programs that know these know the scaling too",
        LoraConfig { StartsFromWeight: true } start => $"init_lora_weights is \"{InitializationName.Of(start)}\": its matrices belong on the base less what they started from",
        LoraConfig => null,
        _ => $"peft_type is {PeftFields.NameOf(config.Kind)}; only LORA has the scaling alpha / r that a portable form is about",
    };
}
