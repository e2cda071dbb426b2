using LowRank.Adapters;

namespace LowRank.Training.SideBySide;

/// <summary>One of the adapters that are trained side by side.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Config">Its settings. Without dropout, whose masks follow the shape of a batch, and not AdaLoRA, whose ranks belong to a run of its own.</param>
/// <param name="Options">How it is trained. Steps, batches and accumulation are the same for all.</param>
public sealed record SideBySideAdapter(string Name, AdapterConfig Config, TrainerOptions Options);
