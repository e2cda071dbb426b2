namespace LowRank.Adapters;

/// <summary>What became of an adapter that was written in its portable form.</summary>
/// <param name="Modules">Modules with matrices.</param>
/// <param name="Rank">The one rank, which is alpha too.</param>
/// <param name="Scaled">Modules whose scaling was not 1 and went into B.</param>
/// <param name="Padded">Modules of a lower rank that were filled up with zeros.</param>
internal sealed record PortableReport(int Modules, int Rank, int Scaled, int Padded);
