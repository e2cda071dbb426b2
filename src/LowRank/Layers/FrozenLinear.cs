using LowRank.Autograd;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>A linear layer of the base model: a <see cref="FrozenWeight"/> and an optional bias, which alone can be trained (PEFT's <c>bias</c> setting).</summary>
public sealed class FrozenLinear : ILinear
{
    private readonly Tensor? bias;
    private readonly bool ownsWeight;

    /// <summary>Creates the layer. It owns the bias, and the weight unless that is shared (a tied head).</summary>
    /// <param name="weight"><c>[out, in]</c>.</param>
    /// <param name="bias"><c>[out]</c> or null; it becomes this layer's.</param>
    /// <param name="ownsWeight">False where another layer disposes the weight.</param>
    public FrozenLinear(FrozenWeight weight, Tensor? bias = null, bool ownsWeight = true)
    {
        Weight = weight;
        this.bias = bias?.DetachFromDisposeScope();
        this.ownsWeight = ownsWeight;
    }

    /// <summary>The weight.</summary>
    public FrozenWeight Weight { get; }

    /// <summary>Whether the checkpoint has the weight as <c>[in, out]</c> (GPT-2's <c>Conv1D</c>): under its name there it is written so.</summary>
    internal bool IsTransposed => Weight.IsTransposed;

    /// <summary>The weight in fp32 with rows and columns as in the checkpoint.</summary>
    internal Tensor StoredWeight() => AsStored(Weight.Dequantize(0, OutFeatures));

    /// <summary>Takes a matrix <c>[out, in]</c> and gives it with rows and columns as in the checkpoint.</summary>
    internal Tensor AsStored(Tensor matrix)
    {
        if (!IsTransposed) return matrix;
        using (matrix)
        using (var turned = matrix.t())
            return turned.contiguous();
    }

    /// <summary>Whether the layer has a bias.</summary>
    public bool HasBias => bias is not null;

    /// <summary>The bias as it is used now, trained or not: <c>[out]</c>.</summary>
    public Tensor? Bias => TrainedBias?.Value ?? bias;

    /// <summary>The bias of the base, whatever is trained in its place.</summary>
    internal Tensor? FrozenBias => bias;

    /// <summary>The bias as a parameter, once <see cref="TrainBias"/> was called.</summary>
    public TrainableParameter? TrainedBias { get; private set; }

    /// <inheritdoc/>
    public long InFeatures => Weight.InFeatures;

    /// <inheritdoc/>
    public long OutFeatures => Weight.OutFeatures;

    /// <summary>Makes the bias a trained parameter of this name, starting from its value in the base.</summary>
    public TrainableParameter TrainBias(string name) =>
        TrainedBias ??= new TrainableParameter(name, (bias ?? throw new InvalidOperationException($"{name}: the layer has no bias.")).to(ScalarType.Float32, copy: true));

    /// <summary>Back to the frozen bias; the parameter is disposed.</summary>
    public void FreezeBias()
    {
        TrainedBias?.Dispose();
        TrainedBias = null;
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        var y = FrozenLinearNode.Apply(x, Weight);
        if (Bias is not { } b) return y;
        using var cast = b.dtype == y.dtype ? b.alias() : b.to(y.dtype);
        return y.add_(cast, Scalars.One);
    }

    LinearPart? ILinear.PartFor() => TrainedBias is null ? new(Weight, bias) : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        FreezeBias();
        bias?.Dispose();
        if (ownsWeight) Weight.Dispose();
    }
}
