namespace LowRank.Training.Trackers.Mlflow;

/// <summary>How far an MLflow server is with a run. Kept as <c>mlflow/run.json</c> in the run's folder.</summary>
internal sealed record MlflowState
{
    /// <summary>The server's address.</summary>
    public required string Server { get; init; }

    /// <summary>The run's id there; null until it has been created.</summary>
    public string? RunId { get; init; }

    /// <summary>Bytes of the spool that have been sent.</summary>
    public long Sent { get; init; }

    /// <summary>The last step whose numbers have been sent.</summary>
    public long LastStep { get; init; }

    /// <summary>The last step whose evaluation has been sent.</summary>
    public long LastEvaluation { get; init; }
}
