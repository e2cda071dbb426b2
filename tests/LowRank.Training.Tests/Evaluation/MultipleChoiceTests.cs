using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Evaluation.Choices;

namespace LowRank.Training.Tests.Evaluation;

/// <summary>
/// What lm-evaluation-harness's <c>acc</c> and <c>acc_norm</c> come to for log-likelihoods that are known, worked out by hand by its rules (ConfigurableTask.process_results): the first of the
/// greatest sums, and the first of the greatest sums divided by the characters of the choice, which are code points as Python counts them, the space before a choice not among them.
/// </summary>
public sealed class MultipleChoiceTests
{
    [Fact]
    public void Accuracy_and_normalized_accuracy_are_those_worked_out_by_hand()
    {
        (string[] Choices, int Right, double[] Likelihoods, bool Plain, bool Normalized)[] cases =
        [
            // Sums -6 > -7: the first. By characters -6/3 = -2 < -7/7 = -1: the second.
            (["dog", "bulldog"], 0, [-6, -7], true, false),
            (["dog", "bulldog"], 1, [-6, -7], false, true),
            // Both agree: -2 > -9, -2/2 = -1 > -9/3 = -3.
            (["ab", "abc"], 0, [-2, -9], true, true),
            (["ab", "abc"], 1, [-2, -9], false, false),
            // Of equal sums the first; by characters -4/4 = -1 leads before -4/2 = -2.
            (["no", "none"], 0, [-4, -4], true, false),
            // Three clefs are three characters, though six code units and twelve bytes: -6/3 = -2 < -5/3 = -1.67, by code units -6/6 would lead.
            (["𝄞𝄞𝄞", "abc", "x"], 1, [-6, -5, -9], true, true),
            // Equal by characters too, -6/3 = -4/2: the first.
            (["abc", "de"], 0, [-6, -4], false, true),
        ];
        ChoiceQuestion[] questions = [.. cases.Select((c, i) => new ChoiceQuestion(new DataRow { File = "f", Line = i + 1, Number = i + 1, Format = DataFormat.MultipleChoice, Prompt = "q", Completion = c.Choices[c.Right], Choices = c.Choices }, c.Choices, c.Right, []))];
        var result = MultipleChoice.Judge(new EvaluationResult { Loss = 1, SupervisedTokens = 1, Rows = cases.Length }, questions, [.. cases.Select(c => c.Likelihoods)]);
        Assert.Equal(cases.Select(c => c.Plain ? 1.0 : 0), result.Figures.Single(f => f.Name == "accuracy").Values);
        Assert.Equal(cases.Select(c => c.Normalized ? 1.0 : 0), result.Figures.Single(f => f.Name == "acc_norm").Values);
        Assert.Equal((4 / 7.0, 4 / 7.0), (result.Accuracy!.Value, result.AccuracyNormalized!.Value));
        // Wrong answers are those of acc.
        Assert.Equal(["f:2", "f:4", "f:7"], result.Wrong.Select(w => w.Place));
    }
}
