namespace LowRank.Training.Objectives.Kto;

/// <summary>What KTO's loss says of an answer.</summary>
/// <param name="Loss">The loss.</param>
/// <param name="Gradient">Its derivative by the answer's summed log-probability.</param>
/// <param name="Reward">The implicit reward, β times the log-ratio, as TRL reports it.</param>
/// <param name="IsRight">Whether the answer stands on its side of the reference point: a good one above, a bad one below.</param>
internal readonly record struct KtoTerm(double Loss, double Gradient, double Reward, bool IsRight);
