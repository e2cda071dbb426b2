namespace LowRank.Training.Events;

/// <summary>A checkpoint is on disk, whole.</summary>
/// <param name="Folder">Its folder.</param>
public sealed record CheckpointSaved(string Folder) : TrainingEvent;
