namespace LowRank.Training.Runs;

/// <summary>A run in one row.</summary>
internal sealed record RunSummary
{
    /// <summary>The folder's name, below the folder that was listed.</summary>
    public required string Name { get; init; }

    /// <summary>The folder, a full path.</summary>
    public required string Folder { get; init; }

    /// <summary>The base model, as it was named.</summary>
    public required string Model { get; init; }

    /// <summary>lora, qlora or full; with the variant where it is another than LoRA.</summary>
    public required string Method { get; init; }

    /// <summary>How it stands.</summary>
    public required RunState State { get; init; }

    /// <summary>When it began, in UTC.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>Steps taken.</summary>
    public required long Steps { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>The training loss at the end.</summary>
    public double? Loss { get; init; }

    /// <summary>The best held-out loss.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>The highest resident memory, in MiB.</summary>
    public double? PeakMiB { get; init; }

    /// <summary>The planned one, in MiB.</summary>
    public double? PlannedMiB { get; init; }

    /// <summary>Tokens a second.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Time in all its processes, in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Parameters that were trained.</summary>
    public long TrainableParameters { get; init; }

    /// <summary>The row of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="root">The folder that was listed.</param>
    public static RunSummary Of(RunHistory run, string root)
    {
        var (adapter, relative) = (run.Record.Settings.Adapter, Path.GetRelativePath(root, run.Folder));
        return new RunSummary
        {
            Name = relative == "." || relative.StartsWith("..", StringComparison.Ordinal) ? Path.GetFileName(run.Folder) : relative,
            Folder = run.Folder,
            Model = run.Record.Settings.Model.Model,
            Method = adapter.Method == "full" || adapter.Variant == "lora" ? adapter.Method : $"{adapter.Method} {adapter.Variant}",
            State = run.State,
            Started = run.Record.Started,
            Steps = run.LastStep,
            TotalSteps = run.TotalSteps,
            Loss = run.FinalLoss,
            HeldOutLoss = run.BestHeldOut,
            PeakMiB = run.PeakMiB,
            PlannedMiB = run.PlannedMiB,
            TokensPerSecond = run.TokensPerSecond,
            Seconds = run.Seconds,
            TrainableParameters = run.TrainableParameters,
        };
    }
}
