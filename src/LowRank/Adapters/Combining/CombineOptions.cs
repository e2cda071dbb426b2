namespace LowRank.Adapters;

/// <summary>How adapters are combined.</summary>
internal sealed record CombineOptions
{
    /// <summary>The method. Default <see cref="CombinationMethod.Svd"/>, as in PEFT.</summary>
    public CombinationMethod Method { get; init; } = CombinationMethod.Svd;

    /// <summary>The rank of the new adapter, from 1; only with a method of SVD. Default null: the largest of the adapters' ranks.</summary>
    public int? Rank { get; init; }

    /// <summary>The share of values that are kept, above 0 and at most 1. Needed by the methods that prune, which are all but linear, cat and svd; refused with those.</summary>
    public double? Density { get; init; }

    /// <summary>How TIES elects signs. Default total. Ignored by other methods.</summary>
    public MajoritySign MajoritySign { get; init; }

    /// <summary>The seed of the values that DARE keeps. Default 0. Ignored by other methods.</summary>
    public long Seed { get; init; }

    /// <summary>Whether modules of lower rank are filled up with zeros, so that the configuration has no patterns. Default false.</summary>
    public bool Portable { get; init; }

    internal bool IsSvd => Method is CombinationMethod.Svd or CombinationMethod.TiesSvd or CombinationMethod.MagnitudePruneSvd or CombinationMethod.DareLinearSvd or CombinationMethod.DareTiesSvd;

    internal bool NeedsEqualRanks => !IsSvd && Method != CombinationMethod.Cat;

    internal bool Prunes => Method is not (CombinationMethod.Linear or CombinationMethod.Cat or CombinationMethod.Svd);

    internal bool IsDare => Method is CombinationMethod.DareLinear or CombinationMethod.DareTies or CombinationMethod.DareLinearSvd or CombinationMethod.DareTiesSvd;

    internal bool IsTies => Method is CombinationMethod.Ties or CombinationMethod.TiesSvd or CombinationMethod.DareTies or CombinationMethod.DareTiesSvd;

    /// <summary>PEFT's name of the method, such as <c>ties_svd</c>.</summary>
    internal string MethodName => NameOf(Method);

    /// <summary>PEFT's name of a method.</summary>
    internal static string NameOf(CombinationMethod method) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(method.ToString());

    /// <summary>All that is wrong with the settings.</summary>
    internal IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (Prunes && Density is null) problems.Add($"{MethodName} needs a density: the share of values to keep, above 0 and at most 1");
        if (!Prunes && Density is not null) problems.Add($"{MethodName} keeps all values and has no density; leave it out");
        if (Density is { } density && density is not (> 0 and <= 1)) problems.Add($"the density {PythonNumber.Format(density)} must be above 0 and at most 1");
        if (!IsSvd && Rank is not null) problems.Add($"{MethodName} has a rank that follows from the adapters; only the methods of SVD (svd, ties_svd, …) take one");
        if (Rank < 1) problems.Add($"the rank {Rank} must be at least 1");
        return problems;
    }
}
