using System.IO.Hashing;
using System.Runtime.InteropServices;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// The random masks of adapter dropout. They are a function of seed, step, micro-batch and module alone: a resumed run draws the same ones without any
/// generator's state having been saved, and nothing is drawn from a global generator.
/// </summary>
public sealed class Dropout
{
    private (long Seed, long Step, long MicroBatch)? position;

    /// <summary>Whether dropout is active: only within a training step.</summary>
    public bool IsActive => position is not null;

    /// <summary>Activates dropout for one micro-batch, until the returned scope is disposed.</summary>
    public IDisposable Activate(long seed, long step, long microBatch)
    {
        var before = position;
        position = (seed, step, microBatch);
        return new Scope(() => position = before);
    }

    /// <summary><paramref name="x"/> with elements dropped with probability <paramref name="p"/> and the others divided by 1 - p; itself where inactive.</summary>
    /// <param name="x">The adapter's input, any shape.</param>
    /// <param name="p">The probability, in [0, 1).</param>
    /// <param name="module">A number of its own for each module.</param>
    internal Tensor Apply(Tensor x, double p, int module)
    {
        if (p == 0 || position is not { } at) return x.alias();
        using var scope = NewDisposeScope();
        ReadOnlySpan<long> key = [at.Seed, at.Step, at.MicroBatch, module];
        // Drawn on the CPU whatever the device, so that a run drops the same elements everywhere.
        using var generator = new Generator(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(key)) & long.MaxValue, CPU);
        var keep = rand(x.shape, ScalarType.Float32, CPU, generator: generator) >= Scalars.Of(p);
        return (x * keep.to(x.device).to(x.dtype) * Scalars.Of(1 / (1 - p))).MoveToOuterDisposeScope();
    }

    private sealed class Scope(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
