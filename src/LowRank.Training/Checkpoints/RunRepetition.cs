using LowRank.Training.Settings;

namespace LowRank.Training.Checkpoints;

/// <summary>
/// A run that is done again, in a new folder: its settings are those of the old one, and what it reads must be the same. With <c>--force</c> differences are warnings.
/// </summary>
/// <param name="record">The old run.</param>
/// <param name="folder">Its folder, for messages.</param>
/// <param name="force">Whether to go on where something is different.</param>
internal sealed class RunRepetition(RunRecord record, string folder, bool force)
{
    // Where things are, and what has no say in the result.
    private static readonly string[] Free = ["output", "silence", "memory", "force", "model", "revision", "data", "adapter"];
    private readonly List<string> warnings = [];

    /// <summary>What a person should know.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>The settings of the new run.</summary>
    /// <param name="record">The old run.</param>
    /// <param name="entries">What was written: the new folder, and places that have changed.</param>
    /// <exception cref="SettingsException">A setting differs; all of them are listed.</exception>
    public static TrainSettings SettingsOf(RunRecord record, IReadOnlyList<SettingEntry> entries)
    {
        var fresh = record.Settings with { Output = record.Settings.Output with { Output = "" }, Memory = new MemorySettings() };
        var given = SettingsBinder.Read(entries, fresh);
        var problems = SettingsBinder.Differences(fresh, given).Where(d => !Free.Contains(d.Setting.Key) && !IsMovedFile(d))
            .Select(d => $"--{d.Setting.Key} {d.Second ?? "(left open)"} differs from the run's {d.First ?? "default"}: a repeated run keeps its settings. Leave it out, or begin a new run").ToList();
        return problems.Count > 0 ? throw new SettingsException(problems) : given;
    }

    /// <summary>Makes sure that the run learns from the same.</summary>
    /// <exception cref="LowRankException">It does not; what differs is named.</exception>
    public void CheckInputs(RunInputs here)
    {
        if (record.Version != RunRecord.CurrentVersion) warnings.Add($"{folder} was made with LowRank {record.Version}, this is {RunRecord.CurrentVersion}: the result may be another one in its last digits");
        if (record.Inputs is not { } then)
        {
            warnings.Add($"{folder} was made by a LowRank that kept no fingerprints of data and tokenizer: whether they are the same is not known");
            return;
        }
        if (then.Tokens != here.Tokens) Refuse($"the run does not learn from the same tokens: {Reason(then, here)}");
        if (then.Adapter != here.Adapter) Refuse($"the adapter that the run continues is another one ({Short(then.Adapter)}, here {Short(here.Adapter)}). Name the right one: --adapter FOLDER");
    }

    /// <summary>Makes sure that the base is the same.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="weights">Its fingerprint.</param>
    /// <exception cref="LowRankException">It is another one.</exception>
    public void CheckBase(string model, string weights)
    {
        if (record.BaseWeights != weights) Refuse($"{model} is not the model that the run was made with (fingerprint {record.BaseWeights}, here {weights}). Name the right one: --model MODEL");
        if (record.Machine?.Differences(RunMachine.Read()).ToArray() is { Length: > 0 } differences) warnings.Add($"another machine ({string.Join("; ", differences)}): the last digits may differ");
    }

    private static bool IsMovedFile(SettingDifference difference) => difference.Setting.Key == "validation" && File.Exists(difference.Second) && difference.First is { } first && !char.IsAsciiDigit(first[0]);

    private static string Reason(RunInputs then, RunInputs here)
    {
        var reasons = new List<string>();
        if (then.Data != here.Data) reasons.Add($"the data is not the same ({Short(then.Data)}, here {Short(here.Data)})");
        if (then.Validation != here.Validation) reasons.Add($"the held-out data is not the same ({Short(then.Validation)}, here {Short(here.Validation)})");
        if (then.Tokenizer != here.Tokenizer) reasons.Add($"the tokenizer is not the same ({Short(then.Tokenizer)}, here {Short(here.Tokenizer)})");
        if (then.Template != here.Template) reasons.Add($"the chat template or its special tokens are not the same ({Short(then.Template)}, here {Short(here.Template)})");
        return reasons.Count > 0 ? string.Join(", and ", reasons) : "the files are the same, but this version of LowRank makes other tokens of them";
    }

    private static string Short(string? fingerprint) => fingerprint is null ? "none" : $"fingerprint {fingerprint[..8]}";

    private void Refuse(string text)
    {
        if (!force) throw new LowRankException($"--repeat {folder}: {text}. --force repeats it all the same.");
        warnings.Add($"{text} (--force)");
    }
}
