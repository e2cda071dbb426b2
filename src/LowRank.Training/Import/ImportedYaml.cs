using System.Text;
using LowRank.Training.Settings;

namespace LowRank.Training.Import;

/// <summary>
/// Writes an imported run for <c>lowrank train --config</c>: each setting with the key that it came from, then what a person should know, what has no counterpart and why that
/// does not matter, and what is not known.
/// </summary>
internal static class ImportedYaml
{
    private const int Width = 110;

    /// <summary>The file's text.</summary>
    /// <param name="run">The run.</param>
    /// <param name="header">Lines to begin with, without <c>#</c>.</param>
    public static string Write(ImportedRun run, params IReadOnlyList<string> header)
    {
        var text = new StringBuilder();
        foreach (var line in header) text.Append("# ").Append(line).Append('\n');
        Comment(text, $"Settings of {string.Join(" and ", run.Sources.Select(s => $"{s.File} ({s.Tool})"))} for lowrank train --config. Behind each setting stands where it comes from; what is not here is LowRank's default.");
        foreach (var group in SettingsSchema<TrainSettings>.All.GroupBy(s => s.Group)) Settings(text, run, [.. group]);
        Notes(text, run);
        return text.ToString();
    }

    private static void Settings(StringBuilder text, ImportedRun run, IReadOnlyList<Setting> settings)
    {
        var isFirst = true;
        foreach (var setting in settings)
        {
            var line = run.Lines.GetValueOrDefault(setting.Key);
            if (line is null && !setting.IsRequired) continue;
            if (isFirst) text.Append('\n');
            isFirst = false;
            if (line is null) text.Append("# ").Append(setting.Key).Append(": still missing; --").Append(setting.Key).Append(' ').Append(setting.ValueName).Append('\n');
            else text.Append($"{line.Key}: {YamlText.Of(setting, line.Value)}".PadRight(40)).Append("  # ").Append(line.Origin.ReplaceLineEndings(" ")).Append('\n');
        }
    }

    private static void Notes(StringBuilder text, ImportedRun run)
    {
        Section(text, "To know:", run.Notes);
        Section(text, "Not known to LowRank. Look up what they do before you rely on the run:", [.. run.Unknown.Select(u => $"{u.Key}: {u.Shown}")]);
        Section(text, "Left out with --ignore:", [.. run.Ignored.Select(i => $"{i.Key}: {i.Shown}")]);
        Section(text, "Without a counterpart, and without an effect on the result here:", [.. run.WithoutEffect.GroupBy(w => w.Reason).Select(g => $"{string.Join(", ", g.Select(w => w.Key))}: {g.Key}")]);
    }

    private static void Section(StringBuilder text, string title, IReadOnlyList<string> items)
    {
        if (items.Count == 0) return;
        text.Append("\n# ").Append(title).Append('\n');
        foreach (var item in items) Comment(text, item, first: "- ");
    }

    private static void Comment(StringBuilder text, string paragraph, string first = "")
    {
        var line = new StringBuilder("# ").Append(first);
        var isEmpty = true;
        foreach (var word in paragraph.ReplaceLineEndings(" ").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!isEmpty && line.Length + 1 + word.Length > Width)
            {
                text.Append(line).Append('\n');
                line.Clear().Append("# ").Append(' ', first.Length);
                isEmpty = true;
            }
            if (!isEmpty) line.Append(' ');
            line.Append(word);
            isEmpty = false;
        }
        text.Append(line).Append('\n');
    }
}
