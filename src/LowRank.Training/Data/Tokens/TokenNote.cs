namespace LowRank.Training.Data.Tokens;

/// <summary>What was said about a row when it was tokenized.</summary>
/// <param name="Row">The row.</param>
/// <param name="Message">The warning, without the place.</param>
/// <param name="GuardId">The guard that it belongs to, or null.</param>
internal sealed record TokenNote(int Row, string Message, string? GuardId);
