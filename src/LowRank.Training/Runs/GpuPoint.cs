namespace LowRank.Training.Runs;

/// <summary>A GPU at a look at the machine.</summary>
/// <param name="Index">NVML's number.</param>
/// <param name="Name">The maker's name.</param>
/// <param name="IsOwn">Whether the run computed on it.</param>
/// <param name="UsedMiB">Memory in use, in MiB.</param>
/// <param name="TotalMiB">All memory, in MiB.</param>
/// <param name="UtilisationPercent">How busy it was.</param>
/// <param name="TemperatureCelsius">Its temperature.</param>
/// <param name="PowerWatts">The power that it drew.</param>
internal sealed record GpuPoint(int Index, string? Name, bool IsOwn, double? UsedMiB, double? TotalMiB, double? UtilisationPercent, double? TemperatureCelsius, double? PowerWatts);
