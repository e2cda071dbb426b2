using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters.Tokens;

/// <summary>An output head of which some rows are trained, its own or those of the embedding that it is tied to.</summary>
/// <param name="frozen">The head; this object owns it.</param>
/// <param name="rows">The trained rows.</param>
/// <param name="ownsRows">False where the embedding owns them.</param>
internal sealed class TokenHead(FrozenLinear frozen, TokenRows rows, bool ownsRows) : ILinear
{
    /// <summary>The head.</summary>
    public FrozenLinear Frozen { get; } = frozen;

    /// <summary>The trained rows.</summary>
    public TokenRows Trained { get; } = rows;

    /// <summary>Whether the rows are this head's own.</summary>
    public bool OwnsRows { get; } = ownsRows;

    /// <summary>Whether the trained rows are used.</summary>
    public bool Enabled { get; set; } = true;

    /// <inheritdoc/>
    public long InFeatures => Frozen.InFeatures;

    /// <inheritdoc/>
    public long OutFeatures => Frozen.OutFeatures;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        if (!Enabled) return Frozen.Forward(x);
        using var logits = Frozen.Forward(x);
        return Trained.ReplaceLogits(x, logits, Frozen.Bias);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (OwnsRows) Trained.Dispose();
        Frozen.Dispose();
    }
}
