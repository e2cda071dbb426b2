namespace LowRank.Training.Monitoring.Nvml;

/// <summary>What a function of NVML returns (<c>nvmlReturn_t</c>), as far as LowRank tells them apart.</summary>
internal enum NvmlResult
{
    Success = 0,
    InsufficientSize = 7,
    DriverNotLoaded = 9,
    FunctionNotFound = 13,
}
