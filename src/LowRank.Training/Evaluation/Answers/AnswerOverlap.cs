using LowRank.Models.Generation;
using LowRank.Training.Evaluation.Statistics;

namespace LowRank.Training.Evaluation.Answers;

/// <summary>How much of the expected answers is in the generated ones.</summary>
internal static class AnswerOverlap
{
    /// <summary>Adds F1 and equality, as SQuAD compares, to a result.</summary>
    public static EvaluationResult Judge(EvaluationResult result, IReadOnlyList<Question> questions, IReadOnlyList<GeneratedText> answers)
    {
        double[] overlap = [.. questions.Zip(answers, (q, a) => SquadText.F1(q.Answer, a.Text))];
        double[] equal = [.. questions.Zip(answers, (q, a) => SquadText.AreEqual(q.Answer, a.Text) ? 1.0 : 0)];
        return result with
        {
            Accuracy = equal.Average(),
            F1 = overlap.Average(),
            Wrong = [.. questions.Zip(answers).Where((_, i) => equal[i] == 0).Select(p => new WrongAnswer(p.First.Place, p.First.Answer.Trim(), p.Second.Text.Trim(), p.Second.Finish == FinishReason.EndToken))],
            Figures = [.. result.Figures, new Figure("accuracy", equal), new Figure("f1", overlap)],
        };
    }
}
