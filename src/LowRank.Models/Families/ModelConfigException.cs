namespace LowRank.Models.Families;

/// <summary>A model's configuration lacks a key, has a wrong value, or asks for what LowRank does not support.</summary>
/// <param name="message">What is wrong, in which file and key, and what to do.</param>
public sealed class ModelConfigException(string message) : LowRankException(message);
