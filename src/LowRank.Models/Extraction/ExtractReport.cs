namespace LowRank.Models.Extraction;

/// <summary>What an extraction gave.</summary>
/// <param name="Modules">The modules of the adapter, in the model's order.</param>
/// <param name="Unchanged">Targets that do not differ, which the adapter leaves out.</param>
/// <param name="Unheld">Tensors that differ and that the adapter does not hold.</param>
/// <param name="Warnings">What a person should know although it worked.</param>
internal sealed record ExtractReport(IReadOnlyList<ExtractedModule> Modules, int Unchanged, IReadOnlyList<UnheldDifference> Unheld, IReadOnlyList<string> Warnings)
{
    /// <summary>‖Δ − B A‖ / ‖Δ‖ over the modules together: the root of the sum of squares of each.</summary>
    public double RelativeError
    {
        get
        {
            double Sum(Func<ExtractedModule, double> norm) => Modules.Sum(m => norm(m) * norm(m));
            var all = Sum(m => m.Norm);
            return all == 0 ? 0 : Math.Sqrt(Sum(m => m.ErrorNorm) / all);
        }
    }
}
