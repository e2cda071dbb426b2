namespace LowRank.Optimizers;

/// <summary>Parameters that share a learning rate and a decay.</summary>
/// <param name="Name">What it is called in messages, such as <c>B</c>.</param>
/// <param name="LearningRateFactor">The group's learning rate as a multiple of the step's.</param>
/// <param name="WeightDecay">Decoupled weight decay of the group.</param>
/// <param name="Parameters">Indices into <see cref="FlatParameters.Parameters"/>; may be empty.</param>
public sealed record ParameterGroup(string Name, double LearningRateFactor, double WeightDecay, IReadOnlyList<int> Parameters);
