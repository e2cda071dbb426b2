namespace LowRank.Training.Planning.Reports;

/// <summary>One way to train, planned.</summary>
/// <param name="Recipe">Its precisions.</param>
/// <param name="Rank">The adapter's rank; null for full fine-tuning.</param>
/// <param name="Checkpointing">Whether all layers compute their activations again.</param>
/// <param name="TrainableParameters">Parameters that are trained.</param>
/// <param name="Plan">Memory by part.</param>
/// <param name="Fits">Whether it stays within the share of memory that a run should use.</param>
public sealed record PlanRow(TrainingRecipe Recipe, int? Rank, bool Checkpointing, long TrainableParameters, MemoryPlan Plan, bool Fits);
