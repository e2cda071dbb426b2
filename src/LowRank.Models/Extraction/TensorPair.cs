using LowRank.Formats;

namespace LowRank.Models.Extraction;

/// <summary>A tensor as both checkpoints have it, of one shape.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Base">Where it lies in the base.</param>
/// <param name="Tuned">Where it lies in the tuned checkpoint.</param>
internal sealed record TensorPair(string Name, TensorInfo Base, TensorInfo Tuned);
