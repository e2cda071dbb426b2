using LowRank.Adapters;

namespace LowRank.Models.Extraction;

/// <summary>How an adapter is extracted from two checkpoints.</summary>
internal sealed record ExtractOptions
{
    /// <summary>The rank of the adapter, from 1. A matrix whose shorter side is less gets that.</summary>
    public required int Rank { get; init; }

    /// <summary>The linear modules that the adapter goes on. Default all-linear; those that do not differ are left out.</summary>
    public ModulePattern Target { get; init; } = ModulePattern.AllLinear;

    /// <summary>Whether large matrices are decomposed whole as well, which takes minutes each. Default false: by random directions and power iterations, which comes within a percent of the least error.</summary>
    public bool Exact { get; init; }

    /// <summary>Whether matrices of lower rank are filled up with zeros, so that the configuration has no patterns. Default false.</summary>
    public bool Portable { get; init; }

    /// <summary>What the adapter calls its base. Default null: the folder or file of the base as it was given.</summary>
    public string? BaseModel { get; init; }
}
