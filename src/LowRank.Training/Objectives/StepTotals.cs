namespace LowRank.Training.Objectives;

/// <summary>What the sums of a step are divided by.</summary>
/// <param name="Terms">Terms of the loss: supervised tokens, pairs, or judged answers.</param>
/// <param name="AnswerTokens">Tokens of the better answers whose own loss stands beside that of preferences.</param>
/// <param name="Kl">KTO's reference point, which is the step's; else 0.</param>
internal readonly record struct StepTotals(long Terms, long AnswerTokens = 0, double Kl = 0);
