namespace LowRank.Training.Evaluation;

/// <summary>A row whose generated answer is not the expected one.</summary>
/// <param name="Place">Where the row stands, <c>file:line</c>.</param>
/// <param name="Expected">The answer in the data, without white space around it.</param>
/// <param name="Got">The generated answer, without white space around it.</param>
/// <param name="Ended">Whether the model ended its answer; one that goes on is cut off and wrong, even where it begins with the expected text.</param>
public sealed record WrongAnswer(string Place, string Expected, string Got, bool Ended);
