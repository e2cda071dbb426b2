namespace LowRank.Adapters;

/// <summary>A module that gets a pair of matrices, with the numbers that the configuration and its patterns give it.</summary>
/// <param name="Module">The module.</param>
/// <param name="Rank">The rank r: A is [r, in], B is [out, r].</param>
/// <param name="Alpha">The numerator of the scaling.</param>
/// <param name="Scaling">alpha / r, or alpha / √r for rsLoRA: y = W x + b + scaling · B A x.</param>
public sealed record AdapterTarget(AdaptableModule Module, int Rank, double Alpha, double Scaling)
{
    /// <summary>
    /// The embedding whose matrices this module uses (<c>ensure_weight_tying</c>): its A is the embedding's B transposed, its B the
    /// embedding's A transposed. Null for a module with matrices of its own.
    /// </summary>
    public string? TiedTo { get; init; }

    /// <summary>The name of the module in the adapter file: its own, except for a parameter (<c>target_parameters</c>), which is named by the module that holds it.</summary>
    public string FileName { get; init; } = Module.Name;

    /// <summary>Whether the target was chosen as a parameter (<c>target_parameters</c>).</summary>
    public bool IsParameter { get; init; }

    /// <summary>How many pairs of matrices it has: one for each expert of a parameter of all experts together, else one.</summary>
    internal int Pairs => Math.Max(1, Module.Experts);
}
