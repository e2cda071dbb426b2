using System.IO.Hashing;
using System.Text;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Combining;

/// <summary>Gives the values that DARE keeps of one matrix of one adapter: 1 and 0, fp32.</summary>
/// <param name="adapter">The adapter's name.</param>
/// <param name="module">The module's name.</param>
/// <param name="side">Which matrix: <c>A</c>, <c>B</c> or <c>delta</c>.</param>
/// <param name="shape">Its shape.</param>
/// <param name="density">The probability of 1.</param>
internal delegate Tensor PruningMask(string adapter, string module, string side, long[] shape, double density);

/// <summary>Masks from a seed. They depend on the names alone, not on the order in which modules are combined.</summary>
internal static class SeededMasks
{
    /// <summary>The masks of a seed.</summary>
    public static PruningMask Of(long seed) => (adapter, module, side, shape, density) =>
    {
        using var generator = new Generator(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes($"{seed}\n{adapter}\n{module}\n{side}")) & long.MaxValue, CPU);
        using var drawn = rand(shape, ScalarType.Float32, CPU, generator: generator);
        using var kept = drawn < Scalars.Of(density);
        return kept.to(ScalarType.Float32);
    };
}
