using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>A linear layer whose weight is trained in full: <c>--method full</c>, and PEFT's <c>modules_to_save</c>.</summary>
public sealed class TrainedLinear : ILinear
{
    private readonly bool ownsWeight;

    /// <summary>Creates the layer over parameters <c>[out, in]</c> (<c>[in, out]</c> where <see cref="IsTransposed"/>) and <c>[out]</c>.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="bias">The bias or null.</param>
    /// <param name="replaced">The frozen layer in whose place this one stands, kept to be put back; null for full fine-tuning.</param>
    /// <param name="ownsWeight">False where another layer owns the weight (a tied head).</param>
    public TrainedLinear(TrainableParameter weight, TrainableParameter? bias, ILinear? replaced = null, bool ownsWeight = true)
    {
        (Weight, Bias, Replaced) = (weight, bias, replaced);
        this.ownsWeight = ownsWeight;
    }

    /// <summary>The weight, with rows and columns as in the checkpoint.</summary>
    public TrainableParameter Weight { get; }

    /// <summary>The bias, <c>[out]</c>, or null.</summary>
    public TrainableParameter? Bias { get; }

    /// <summary>The frozen layer that this one stands for, or null.</summary>
    public ILinear? Replaced { get; }

    /// <inheritdoc/>
    public long InFeatures => Weight.Shape[IsTransposed ? 0 : 1];

    /// <inheritdoc/>
    public long OutFeatures => Weight.Shape[IsTransposed ? 1 : 0];

    /// <summary>Whether the weight is <c>[in, out]</c>, as GPT-2's <c>Conv1D</c> has it.</summary>
    internal bool IsTransposed { get; init; }

    /// <summary>The dtype of the product of an fp32 input: fp32, or bf16 with operands and result rounded. fp16 would need gradients scaled on their way through (<see cref="Quantization.RoundedTensor"/>), so there it is fp32.</summary>
    internal ScalarType ProductType { get; init; } = ScalarType.Float32;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        if (ProductType == ScalarType.BFloat16 && x.dtype == ScalarType.Float32)
        {
            using var rounded = x.to(ProductType);
            using var y = Forward(rounded);
            return y.to(ScalarType.Float32);
        }
        using var turned = IsTransposed ? Weight.Value.t() : null;
        var matrix = turned ?? Weight.Value;
        if (x.dtype == Weight.Value.dtype) return nn.functional.linear(x, matrix, Bias?.Value);
        using var w = matrix.to(x.dtype);
        using var b = Bias?.Value.to(x.dtype);
        return nn.functional.linear(x, w, b);
    }

    /// <summary>Frees the parameters alone, before the replaced layer is put back.</summary>
    internal void DisposeParameters()
    {
        if (ownsWeight) Weight.Dispose();
        Bias?.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DisposeParameters();
        Replaced?.Dispose();
    }
}
