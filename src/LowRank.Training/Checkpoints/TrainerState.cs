using LowRank.Training.Packing;

namespace LowRank.Training.Checkpoints;

/// <summary>Where a run stands, besides the buffers of parameters and moments. With these it goes on as if it had never stopped.</summary>
public sealed record TrainerState
{
    /// <summary>The file's name in a checkpoint.</summary>
    public const string FileName = "trainer_state.json";

    /// <summary>Optimizer steps taken.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run; the schedule depends on it.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>The next batch.</summary>
    public required DataCursor Cursor { get; init; }

    /// <summary>Names of the trained parameters in the order of the buffers.</summary>
    public required IReadOnlyList<string> Parameters { get; init; }

    /// <summary>The optimizer, as it is given on the command line: its state cannot be read as another's.</summary>
    public string Optimizer { get; init; } = "adamw";

    /// <summary>The best held-out loss so far, or null.</summary>
    public double? BestLoss { get; init; }

    /// <summary>The step of the best held-out loss.</summary>
    public long BestStep { get; init; }

    /// <summary>Evaluations since the best one.</summary>
    public int EvaluationsSinceBest { get; init; }

    /// <summary>Sum of the training losses of the epoch so far, for its mean.</summary>
    public double EpochLoss { get; init; }

    /// <summary>Supervised tokens of the epoch so far, or pairs where preferences are learned.</summary>
    public long EpochTokens { get; init; }

    /// <summary>Tokens trained on so far, padding not counted.</summary>
    public long Tokens { get; init; }
}
