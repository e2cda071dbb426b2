using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning.Reports;

/// <summary>How long a run takes on this machine: the work of its tokens by the speed of a matrix product and the share of it that the training step reaches.</summary>
public sealed record PlannedTime
{
    /// <summary>
    /// The share of the fp32 matrix-product peak that LowRank's step reaches, measured by <c>lowrank bench</c> with SmolLM2-135M, LoRA r 16, 4×512 on 2 cores: docs/benchmarks.md.
    /// </summary>
    public const double MeasuredRatio = 0.47;

    /// <summary>Tokens of the whole run.</summary>
    public required double Tokens { get; init; }

    /// <summary>Operations of a token with a frozen base.</summary>
    public required double FlopsPerToken { get; init; }

    /// <summary>The peak, in 10⁹ operations a second.</summary>
    public required double Gflops { get; init; }

    /// <summary>The share of it that counts.</summary>
    public double Ratio { get; init; } = MeasuredRatio;

    /// <summary>Operations of full fine-tuning by those with a frozen base: the weights' gradients are a third product.</summary>
    public required double FullFactor { get; init; }

    /// <summary>Operations with all layers checkpointed by those without: the forward products are computed again.</summary>
    public required double CheckpointingFactor { get; init; }

    /// <summary>Tokens that go through the model without gradients, for a reference.</summary>
    public double ForwardTokens { get; init; }

    /// <summary>Operations of such a token by those of a step's with a frozen base.</summary>
    public double ForwardFactor { get; init; }

    /// <summary>Hours of LoRA or QLoRA without checkpointing.</summary>
    public double AdapterHours => (Tokens + ForwardTokens * ForwardFactor) * FlopsPerToken / (Gflops * 1e9 * Ratio) / 3600;

    /// <summary>Hours of full fine-tuning without checkpointing.</summary>
    public double FullHours => AdapterHours * FullFactor;

    /// <summary>The time of a run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The data of one epoch.</param>
    /// <param name="epochs">Passes over it.</param>
    /// <param name="length">Tokens of a row: the mean, where it is known.</param>
    /// <param name="gflops">The speed of a matrix product.</param>
    /// <param name="forwardEpochs">Passes over the data without gradients, for a reference.</param>
    public static PlannedTime Of(ModelShape model, PlannedData data, double epochs, double length, double gflops, double forwardEpochs = 0)
    {
        var flops = model.FlopsPerToken(length, data.SupervisedShare);
        double linear = model.PassedWeights, head = model.HeadWeights * data.SupervisedShare;
        return new PlannedTime
        {
            Tokens = data.Tokens * epochs,
            FlopsPerToken = flops,
            Gflops = gflops,
            ForwardTokens = data.Tokens * forwardEpochs,
            ForwardFactor = (2 * linear + 2 * head + 2.0 * length * model.QueryWidth * model.Layers) / flops,
            FullFactor = (flops + 2 * linear + 2 * head) / flops,
            CheckpointingFactor = (flops + 2 * linear + 2.0 * length * model.QueryWidth * model.Layers) / flops,
        };
    }
}
