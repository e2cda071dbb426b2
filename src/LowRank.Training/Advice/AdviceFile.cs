using System.Text;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Training.Settings;

namespace LowRank.Training.Advice;

/// <summary>Writes a recommendation as a file for <c>lowrank train --config</c>, each setting with its reason.</summary>
public static class AdviceFile
{
    /// <summary>Writes the file.</summary>
    /// <param name="path">The file to create; it must not exist.</param>
    /// <param name="advice">The recommendation; its data must be a file.</param>
    /// <exception cref="LowRankException">The file exists, the data is no file, or it cannot be written.</exception>
    public static void Write(string path, AdviceReport advice)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(advice);
        if (File.Exists(path)) throw new LowRankException($"--write: {path} exists. Take another name, or remove it.");
        if (!advice.Settings.Any(e => e.Key == "data" && File.Exists(e.Value))) throw new LowRankException("--write: a run needs a data file: --data FILE.");
        var text = new StringBuilder().Append("# lowrank train --config ").Append(Path.GetFileName(path)).Append('\n');
        foreach (var entry in advice.Settings)
        {
            if (advice.Choices.FirstOrDefault(c => c.Key == entry.Key) is { } choice) text.Append("# ").Append(choice.Reason.ReplaceLineEndings(" ")).Append(" [").Append(choice.Source).Append("]\n");
            var isNumber = SettingsSchema<TrainSettings>.Find(entry.Key)?.ValueName is "COUNT" or "NUMBER";
            // A JSON text is a YAML text.
            text.Append(entry.Key).Append(": ").Append(isNumber ? entry.Value : JsonSerializer.Serialize(entry.Value)).Append('\n');
        }
        AtomicFile.WriteAllText(path, text.ToString());
    }
}
