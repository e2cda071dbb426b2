namespace LowRank.Training.Monitoring;

/// <summary>A process that computes on a GPU.</summary>
/// <param name="Id">Its number, in the driver's space of numbers: in a container another one than the process sees itself.</param>
/// <param name="MemoryBytes">Bytes of the GPU's memory that it holds; null where the driver does not tell.</param>
public readonly record struct GpuProcess(int Id, long? MemoryBytes);
