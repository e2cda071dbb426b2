using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>A normalisation over the last dimension: a weight, perhaps a bias, each of which can be trained. <see cref="RmsNorm"/> and <see cref="LayerNorm"/> are the kinds.</summary>
public abstract class Norm : IDisposable
{
    private readonly Tensor frozen;
    private readonly Tensor? frozenBias;

    /// <summary>Takes over the tensors.</summary>
    /// <param name="weight"><c>[features]</c> in the dtype of the checkpoint.</param>
    /// <param name="bias"><c>[features]</c>, or null.</param>
    protected Norm(Tensor weight, Tensor? bias = null) => (frozen, frozenBias) = (weight.DetachFromDisposeScope(), bias?.DetachFromDisposeScope());

    /// <summary>The weight as a trained parameter, or null while it is frozen.</summary>
    public TrainableParameter? Trained { get; private set; }

    /// <summary>The bias as a trained parameter, or null while it is frozen.</summary>
    public TrainableParameter? TrainedBias { get; private set; }

    /// <summary>The weight of the base, whatever is trained in its place.</summary>
    internal Tensor FrozenWeight => frozen;

    /// <summary>The bias of the base, whatever is trained in its place.</summary>
    internal Tensor? FrozenBias => frozenBias;

    /// <summary>Whether there is a bias.</summary>
    public bool HasBias => frozenBias is not null;

    /// <summary>The weight in use: <c>[features]</c>.</summary>
    public Tensor Weight => Trained?.Value ?? frozen;

    /// <summary>The bias in use: <c>[features]</c>, or null.</summary>
    public Tensor? Bias => TrainedBias?.Value ?? frozenBias;

    /// <summary>Makes the weight a trained parameter of this name, starting from its frozen value.</summary>
    public TrainableParameter Train(string name) => Trained ??= new TrainableParameter(name, frozen.to(ScalarType.Float32, copy: true));

    /// <summary>Makes the bias a trained parameter of this name, starting from its frozen value.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public TrainableParameter TrainBias(string name) =>
        TrainedBias ??= new TrainableParameter(name, (frozenBias ?? throw new InvalidOperationException($"{name}: the norm has no bias.")).to(ScalarType.Float32, copy: true));

    /// <summary>Back to the frozen tensors; the parameters are disposed.</summary>
    public void Freeze()
    {
        Trained?.Dispose();
        TrainedBias?.Dispose();
        (Trained, TrainedBias) = (null, null);
    }

    /// <summary>Normalises <paramref name="x"/> <c>[.., features]</c>; the result has its dtype.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the tensors.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        Freeze();
        frozen.Dispose();
        frozenBias?.Dispose();
    }
}
