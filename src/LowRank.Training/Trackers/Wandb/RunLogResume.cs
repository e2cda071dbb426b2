using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>Brings the file of a run back to a checkpoint: what was written after it is taken out, since the resumed run writes it anew.</summary>
internal static class RunLogResume
{
    /// <summary>Keeps the records up to a step. The file is written whole or stays as it was.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">The checkpoint's step.</param>
    /// <param name="summary">Takes the summary as it then stands.</param>
    /// <returns>The number of the last record; 0 where nothing could be kept.</returns>
    public static long KeepUntil(string path, long step, NestedValues summary)
    {
        var partial = path + ".partial";
        long number = 0;
        using (var writer = new RunLogWriter(new FileStream(partial, FileMode.Create, FileAccess.ReadWrite)))
        {
            foreach (var (at, bytes) in RunLogReader.ReadBytes(path))
            {
                var record = RunLogReader.Parse(path, at, bytes);
                // Rows come in the order of their steps: behind the first one that is too late nothing is of an earlier time.
                if (record.RecordTypeCase == Record.RecordTypeOneofCase.History && (record.History.Step?.Num ?? 0) > step) break;
                if (record.RecordTypeCase == Record.RecordTypeOneofCase.Exit) continue;
                if (record.RecordTypeCase == Record.RecordTypeOneofCase.Summary) Apply(record.Summary, summary);
                writer.Write(bytes);
                number = record.Num;
            }
        }
        File.Move(partial, path, overwrite: true);
        new SyncMarks(path).Clear();
        return number;
    }

    /// <summary>Applies changes of a summary.</summary>
    public static void Apply(SummaryRecord record, NestedValues summary)
    {
        foreach (var item in record.Update) summary.Set(NestedValues.PathOf(item.Key, item.NestedKey), item.ValueJson);
        foreach (var item in record.Remove) summary.Remove(NestedValues.PathOf(item.Key, item.NestedKey));
    }
}
