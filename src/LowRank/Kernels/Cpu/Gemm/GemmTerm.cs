namespace LowRank.Kernels.Cpu.Gemm;

/// <summary>One product of a sum of products.</summary>
/// <param name="Left"><c>[rows, depth]</c>.</param>
/// <param name="Right"><c>[depth, columns]</c>.</param>
/// <param name="Depth">Length of the sums.</param>
internal readonly record struct GemmTerm(LeftMatrix Left, RightMatrix Right, long Depth);
