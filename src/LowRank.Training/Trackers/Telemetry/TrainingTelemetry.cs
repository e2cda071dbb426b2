using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LowRank.Training.Trackers.Telemetry;

/// <summary>
/// What LowRank measures and traces, through .NET's own interfaces: a host exports it by naming meter and source, with OpenTelemetry <c>AddMeter(TrainingTelemetry.Name)</c> and
/// <c>AddSource(TrainingTelemetry.Name)</c>. Where nobody listens as a run begins, nothing is recorded. Safe to use from many threads.
/// </summary>
public static class TrainingTelemetry
{
    /// <summary>The name of the <see cref="Meter"/> and of the <see cref="ActivitySource"/>.</summary>
    public const string Name = "LowRank";

    internal static readonly ActivitySource Source = new(Name);
    internal static readonly Meter Meter = new(Name);
    internal static readonly Counter<long> Steps = Meter.CreateCounter<long>("lowrank.train.steps", "{step}", "Optimizer steps taken.");
    internal static readonly Counter<long> Tokens = Meter.CreateCounter<long>("lowrank.train.tokens", "{token}", "Tokens trained on, padding not counted.");
    internal static readonly Histogram<double> StepDuration = Meter.CreateHistogram<double>("lowrank.train.step.duration", "s", "Time of an optimizer step.");
    internal static readonly Gauge<double> Loss = Meter.CreateGauge<double>("lowrank.train.loss", "{nat}", "Mean loss per supervised token of the last step.");
    internal static readonly Gauge<double> LearningRate = Meter.CreateGauge<double>("lowrank.train.learning_rate", "1", "Learning rate of the last step.");
    internal static readonly Gauge<double> GradientNorm = Meter.CreateGauge<double>("lowrank.train.gradient_norm", "1", "Norm of the last gradient before clipping.");
    internal static readonly Gauge<long> Memory = Meter.CreateGauge<long>("lowrank.train.memory", "By", "Resident memory of the process after the last step.");
    internal static readonly Gauge<double> HeldOutLoss = Meter.CreateGauge<double>("lowrank.eval.loss", "{nat}", "Mean loss per supervised token of the held-out data.");

    /// <summary>Whether somebody listens to the measurements or the traces now.</summary>
    internal static bool IsListenedTo => Source.HasListeners() || Steps.Enabled || Tokens.Enabled || StepDuration.Enabled || Loss.Enabled || LearningRate.Enabled || GradientNorm.Enabled || Memory.Enabled || HeldOutLoss.Enabled;
}
