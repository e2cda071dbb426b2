namespace LowRank.Training.Trackers;

/// <summary>The trackers by the names that the setting takes.</summary>
internal static class TrackerNames
{
    /// <summary>Event files that TensorBoard shows.</summary>
    public const string TensorBoard = "tensorboard";

    /// <summary>An offline run of Weights and Biases.</summary>
    public const string Wandb = "wandb";

    /// <summary>A run on an MLflow server.</summary>
    public const string Mlflow = "mlflow";

    /// <summary>Measurements and traces for OpenTelemetry.</summary>
    public const string OpenTelemetry = "otel";

    /// <summary>No tracker.</summary>
    public const string None = "none";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [TensorBoard, Wandb, Mlflow, OpenTelemetry];
}
