namespace LowRank.Training.Objectives;

/// <summary>What the sums of a step are divided by.</summary>
/// <param name="Terms">Terms of the loss: supervised tokens, or pairs.</param>
/// <param name="AnswerTokens">Tokens of the better answers whose own loss stands beside that of preferences.</param>
internal readonly record struct StepTotals(long Terms, long AnswerTokens = 0);
