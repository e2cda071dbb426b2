namespace LowRank.Models.Decoder;

/// <summary>The kind of a decoder's norms.</summary>
public enum NormKind
{
    /// <summary>Root mean square, <see cref="Layers.RmsNorm"/>.</summary>
    RootMeanSquare,

    /// <summary>Mean and variance, with a bias: <see cref="Layers.LayerNorm"/>.</summary>
    Layer,
}
