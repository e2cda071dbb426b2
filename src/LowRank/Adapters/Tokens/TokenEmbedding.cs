using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters.Tokens;

/// <summary>A frozen token table of which some rows are trained.</summary>
/// <param name="frozen">The table; this object owns it.</param>
/// <param name="rows">The trained rows; this object owns them.</param>
internal sealed class TokenEmbedding(FrozenEmbedding frozen, TokenRows rows) : IEmbedding
{
    /// <summary>The table.</summary>
    public FrozenEmbedding Frozen { get; } = frozen;

    /// <summary>The trained rows.</summary>
    public TokenRows Trained { get; } = rows;

    /// <summary>Whether the trained rows are used.</summary>
    public bool Enabled { get; set; } = true;

    /// <inheritdoc/>
    public long Rows => Frozen.Rows;

    /// <inheritdoc/>
    public long Features => Frozen.Features;

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids, ScalarType dtype)
    {
        if (!Enabled) return Frozen.Forward(ids, dtype);
        using var vectors = Frozen.Forward(ids, dtype);
        return Trained.Replace(ids, vectors);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Trained.Dispose();
        Frozen.Dispose();
    }
}
