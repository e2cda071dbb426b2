namespace LowRank.Models.Extraction;

/// <summary>What became of the difference Δ of one module's weights.</summary>
/// <param name="Name">The module.</param>
/// <param name="Rank">The rank of its matrices.</param>
/// <param name="Norm">‖Δ‖, the Frobenius norm of the difference.</param>
/// <param name="ErrorNorm">‖Δ − B A‖, of the matrices as they are written.</param>
internal sealed record ExtractedModule(string Name, int Rank, double Norm, double ErrorNorm)
{
    /// <summary>‖Δ − B A‖ / ‖Δ‖, 0 for no difference.</summary>
    public double RelativeError => Norm == 0 ? 0 : ErrorNorm / Norm;
}
