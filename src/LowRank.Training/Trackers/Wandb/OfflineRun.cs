using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>What a run's file says in all, read once through. History is only counted: it may be larger than memory.</summary>
internal sealed class OfflineRun
{
    private OfflineRun(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The run as it began.</summary>
    public RunRecord Run { get; private set; } = new();

    /// <summary>The configuration with which it began, as JSON.</summary>
    public string FirstConfig { get; private set; } = "{}";

    /// <summary>The configuration at the end.</summary>
    public WandbConfig Config { get; } = new();

    /// <summary>The summary at the end.</summary>
    public NestedValues Summary { get; } = new();

    /// <summary>Rows of history.</summary>
    public int HistoryLines { get; private set; }

    /// <summary>Files that go with it, by their names below <c>files/</c>.</summary>
    public SortedSet<string> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>The last record of a run that ended; null for one that goes on, or was killed.</summary>
    public RunExitRecord? Exit { get; private set; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="LowRankException">It is damaged, or tells of no run.</exception>
    public static OfflineRun Read(string path)
    {
        var run = new OfflineRun(path);
        foreach (var record in RunLogReader.Read(path)) run.Add(record);
        return run.Run.RunId.Length > 0 ? run : throw new LowRankException($"{path} tells of no run yet: it ends before the record that names it.");
    }

    /// <summary>The rows of history as JSON lines, from a row on.</summary>
    public IEnumerable<string> History(int from) =>
        RunLogReader.Read(Path).Where(r => r.RecordTypeCase == Record.RecordTypeOneofCase.History).Skip(from).Take(HistoryLines - from).Select(r => Line(r.History));

    private void Add(Record record)
    {
        switch (record.RecordTypeCase)
        {
            case Record.RecordTypeOneofCase.Run:
                Run = record.Run;
                Config.Add(Run.Config);
                Config.Add(Run.Telemetry);
                if (Run.Summary is { } inherited) RunLogResume.Apply(inherited, Summary);
                FirstConfig = Config.ToJson();
                break;
            case Record.RecordTypeOneofCase.Config: Config.Add(record.Config); break;
            case Record.RecordTypeOneofCase.Telemetry: Config.Add(record.Telemetry); break;
            case Record.RecordTypeOneofCase.Metric: Config.Add(record.Metric); break;
            case Record.RecordTypeOneofCase.Summary: RunLogResume.Apply(record.Summary, Summary); break;
            case Record.RecordTypeOneofCase.Files: Files.UnionWith(record.Files.Files.Select(f => f.Path)); break;
            case Record.RecordTypeOneofCase.History: HistoryLines++; break;
            case Record.RecordTypeOneofCase.Exit: Exit = record.Exit; break;
            default: break;
        }
    }

    private static string Line(HistoryRecord history)
    {
        var values = new NestedValues();
        foreach (var item in history.Item) values.Set(NestedValues.PathOf(item.Key, item.NestedKey), item.ValueJson);
        return values.ToJson();
    }
}
