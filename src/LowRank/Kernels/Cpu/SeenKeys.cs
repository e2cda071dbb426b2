namespace LowRank.Kernels.Cpu;

/// <summary>The arrays of <see cref="KeyRanges"/>, each <c>[batch · length]</c>.</summary>
/// <param name="First">The first key of its own sequence that each query sees.</param>
/// <param name="SharedStart">The first shared key that it sees; null where nothing is shared.</param>
/// <param name="SharedEnd">What follows the last one.</param>
internal sealed record SeenKeys(int[] First, int[]? SharedStart = null, int[]? SharedEnd = null);
