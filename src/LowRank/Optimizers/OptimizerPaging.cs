namespace LowRank.Optimizers;

/// <summary>
/// Keeps an optimizer's state in a mapped file instead of anonymous memory: while memory is plentiful it stays in the page cache, where it costs little; where it runs
/// short, the state is written back chunk by chunk behind the update and read ahead of the next. Results are the same bits.
/// </summary>
/// <param name="Folder">
/// Where the file lies, such as the folder of the run, or the nearest folder above it that exists; it should be on a disk, not a tmpfs, whose files are memory. The file
/// has no name: nothing is left however the process ends.
/// </param>
/// <param name="MemoryLimitBytes">The most anonymous memory and state together that the process should occupy, in bytes; null leaves it to the machine and its control group.</param>
public sealed record OptimizerPaging(string Folder, long? MemoryLimitBytes = null);
