namespace LowRank.Models.Extraction;

/// <summary>A tensor that differs between the checkpoints and that the adapter does not hold: a norm, an embedding, a bias, or a matrix that is no target.</summary>
/// <param name="Tensor">Its name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Norm">The Frobenius norm of the difference.</param>
/// <param name="BaseNorm">That of the tensor in the base.</param>
internal sealed record UnheldDifference(string Tensor, long[] Shape, double Norm, double BaseNorm);
