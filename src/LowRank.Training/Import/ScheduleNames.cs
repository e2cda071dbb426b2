using LowRank.Training.Settings;

namespace LowRank.Training.Import;

/// <summary>The course of the learning rate: names are transformers'.</summary>
internal static class ScheduleNames
{
    /// <summary>Reads the schedule.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="key">Its key: <c>lr_scheduler_type</c>, or axolotl's <c>lr_scheduler</c>.</param>
    /// <param name="standard">The tool's default.</param>
    public static void Read(SourceReader reader, string key, string standard)
    {
        if (reader.Text(key) is not { } name) reader.Default("schedule", standard, key);
        else if (SettingsSchema<TrainSettings>.Find("schedule")!.Choices!.Contains(name)) reader.Set("schedule", name, key);
        else reader.Refuse(key, $"{name}: LowRank has the schedules {string.Join(", ", SettingsSchema<TrainSettings>.Find("schedule")!.Choices!)}. Take the nearest, such as cosine.");
        if (reader.Document.Take("lr_scheduler_kwargs") is { } further)
            reader.Refuse("lr_scheduler_kwargs", $"{further.Shown}: LowRank's schedules have the defaults of transformers and take no further numbers.");
    }

    /// <summary>Reads the warm-up: in both LowRank and transformers 5 a number below 1 is a share of the steps.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="standard">The tool's default; null where the caller writes it.</param>
    /// <returns>Whether the file says one.</returns>
    public static bool ReadWarmup(SourceReader reader, string? standard)
    {
        var (ratio, steps) = (reader.Number("warmup_ratio"), reader.Number("warmup_steps"));
        // transformers before 5, and axolotl, take the steps where both are there and the steps are not 0.
        if (steps is { } count && (count > 0 || ratio is null))
        {
            reader.Set("warmup", SourceReader.Format(count), "warmup_steps");
            if (ratio is not null) reader.Run.HasNoEffect("warmup_ratio", "warmup_steps comes before it");
        }
        else if (ratio is { } share) reader.Set("warmup", SourceReader.Format(share), "warmup_ratio");
        else
        {
            reader.Default("warmup", standard, "no warm-up");
            return false;
        }
        return true;
    }
}
