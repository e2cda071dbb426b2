namespace LowRank.Training.Runs;

/// <summary>A look at the machine in a past run.</summary>
/// <param name="Step">Steps taken by then.</param>
/// <param name="Seconds">Time since the run began in its process.</param>
/// <param name="ProcessorPercent">What the process used of all processors; null where it is not known.</param>
/// <param name="Gpus">The GPUs.</param>
internal sealed record MachinePoint(long Step, double Seconds, double? ProcessorPercent, IReadOnlyList<GpuPoint> Gpus);
