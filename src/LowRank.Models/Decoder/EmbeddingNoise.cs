using System.IO.Hashing;
using System.Runtime.InteropServices;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// The noise of NEFTune (arXiv:2310.05914) on embedded tokens in training: uniform in (-m, m) with m = alpha / √(length · width), the length that of the batch, padding included.
/// It is a function of seed, step and micro-batch alone, as dropout's masks are: a resumed run draws the same.
/// </summary>
/// <param name="Alpha">The strength; the paper takes 5, 10 and 15.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The optimizer step.</param>
/// <param name="MicroBatch">The micro-batch in it.</param>
internal readonly record struct EmbeddingNoise(double Alpha, long Seed, long Step, long MicroBatch)
{
    // The place of a module's number in the keys of dropout's masks, none of which is below 0.
    private const long Place = -1;

    /// <summary>The bound m of the noise.</summary>
    public static double Magnitude(double alpha, long length, long width) => alpha / Math.Sqrt((double)length * width);

    /// <summary>The embedded tokens <c>[batch, sequence, width]</c> with their noise.</summary>
    public Tensor AddTo(Tensor embedded)
    {
        using var scope = NewDisposeScope();
        var bound = Magnitude(Alpha, embedded.shape[^2], embedded.shape[^1]);
        ReadOnlySpan<long> key = [Seed, Step, MicroBatch, Place];
        // Drawn on the CPU whatever the device, so that a run draws the same everywhere.
        using var generator = new Generator(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key)) & long.MaxValue, CPU);
        var noise = rand(embedded.shape, ScalarType.Float32, CPU, generator: generator).mul_(Scalars.Of((float)(2 * bound))).sub_(Scalars.Of((float)bound));
        return embedded.add(noise.to(embedded.device).to(embedded.dtype), Scalars.One).MoveToOuterDisposeScope();
    }
}
