namespace LowRank.Runtime.ComputeTypes;

/// <summary>How fast products of the same sizes were in two dtypes, in 10⁹ floating-point operations a second.</summary>
/// <param name="Fp32Gflops">Of bf16 weights with fp32 inputs, computed in fp32.</param>
/// <param name="Bf16Gflops">The same computed in bf16, the rounding of inputs and the widening of results included.</param>
internal sealed record ProductSpeeds(double Fp32Gflops, double Bf16Gflops);
