using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>Where the moments are kept: the one thing in which a paged optimizer differs from another. All of it begins as zeros.</summary>
internal abstract class OptimizerState : IDisposable
{
    /// <summary>A flat tensor over a buffer, of its type; valid as long as the state.</summary>
    public abstract Tensor View(StateBuffer buffer);

    /// <summary>Is called before the ranges of a window are updated.</summary>
    public virtual void Begin(int window)
    {
    }

    /// <summary>Is called after they were.</summary>
    public virtual void End(int window)
    {
    }

    /// <summary>Is called after the last window of a step.</summary>
    /// <returns>What the step moved; null where nothing is ever moved.</returns>
    public virtual PagingTraffic? EndStep() => null;

    /// <inheritdoc/>
    public abstract void Dispose();
}
