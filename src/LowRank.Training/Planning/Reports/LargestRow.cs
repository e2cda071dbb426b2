namespace LowRank.Training.Planning.Reports;

/// <summary>The largest batch and the longest rows with which a way to train still fits; 0 where none does.</summary>
/// <param name="Recipe">Its precisions.</param>
/// <param name="Rank">The adapter's rank; null for full fine-tuning.</param>
/// <param name="Batch">Rows of the planned length.</param>
/// <param name="BatchCheckpointed">The same with checkpointing.</param>
/// <param name="Length">Tokens of a row at the planned batch, at most what the model was made for.</param>
/// <param name="LengthCheckpointed">The same with checkpointing.</param>
public sealed record LargestRow(TrainingRecipe Recipe, int? Rank, long Batch, long BatchCheckpointed, long Length, long LengthCheckpointed);
