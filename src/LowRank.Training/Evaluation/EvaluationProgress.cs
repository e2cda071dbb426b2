namespace LowRank.Training.Evaluation;

/// <summary>How far an evaluation is.</summary>
/// <param name="Stage">What is being done: the loss, or what the metric asks for besides.</param>
/// <param name="Done">Rows done.</param>
/// <param name="Total">All rows.</param>
public readonly record struct EvaluationProgress(EvaluationMetric Stage, int Done, int Total);
