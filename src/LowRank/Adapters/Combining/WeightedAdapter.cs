namespace LowRank.Adapters;

/// <summary>An adapter to combine with others.</summary>
/// <param name="Name">What to call it in messages, each adapter differently.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Weight">The factor of its update; it may be negative.</param>
internal sealed record WeightedAdapter(string Name, string Folder, double Weight);
