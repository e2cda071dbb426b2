using LowRank.Models;
using LowRank.Training.Evaluation.Statistics;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;

namespace LowRank.Training.Evaluation.Choices;

/// <summary>
/// Multiple choice by log-likelihood, as lm-evaluation-harness measures it: the model's choice is the one whose tokens are likeliest after the question; <c>acc</c> by their summed
/// log-probability, <c>acc_norm</c> by that sum divided by the characters of the choice. Of equals the first is taken.
/// </summary>
internal static class MultipleChoice
{
    /// <summary>Measures questions.</summary>
    /// <returns>For each question the log-likelihood of each choice.</returns>
    public static double[][] LogLikelihoods(LanguageModel model, IReadOnlyList<ChoiceQuestion> questions, int batchSize, Action<int>? progress, CancellationToken cancellation)
    {
        var sequences = questions.SelectMany(q => q.Sequences).ToArray();
        var (likelihoods, done) = (new double[sequences.Length], 0);
        // On a processor the choices of a question share it in their batch, whatever their lengths; elsewhere rows are padded.
        var layout = model.Decoder.Device.type == TorchSharp.DeviceType.CPU ? BatchLayout.Padded : BatchLayout.GroupedByLength;
        foreach (var batch in EpochSampler.OneEpoch(sequences, new BatchOptions { BatchSize = batchSize, Layout = layout, Shuffle = false }))
        {
            cancellation.ThrowIfCancellationRequested();
            var losses = CausalLoss.EvaluateEach(model.Decoder, batch);
            for (var i = 0; i < losses.Length; i++) likelihoods[batch.Examples[i]] = -losses[i];
            done += losses.Length;
            progress?.Invoke((int)((long)done * questions.Count / sequences.Length));
        }
        var (found, at) = (new double[questions.Count][], 0);
        for (var q = 0; q < found.Length; q++, at += questions[q - 1].Sequences.Length) found[q] = likelihoods[at..(at + questions[q].Sequences.Length)];
        return found;
    }

    /// <summary>Adds what the likelihoods say to a result.</summary>
    public static EvaluationResult Judge(EvaluationResult result, IReadOnlyList<ChoiceQuestion> questions, double[][] likelihoods)
    {
        var (plain, normalized, wrong) = (new double[questions.Count], new double[questions.Count], new List<WrongAnswer>());
        for (var q = 0; q < questions.Count; q++)
        {
            var (question, found) = (questions[q], likelihoods[q]);
            var byCharacter = found.Select((l, i) => l / Math.Max(1, question.Choices[i].EnumerateRunes().Count())).ToArray();
            var best = Best(found);
            (plain[q], normalized[q]) = (best == question.Right ? 1 : 0, Best(byCharacter) == question.Right ? 1 : 0);
            if (best != question.Right) wrong.Add(new WrongAnswer(question.Row.Place, question.Choices[question.Right], question.Choices[best], Ended: true));
        }
        return result with
        {
            Accuracy = plain.Average(),
            AccuracyNormalized = normalized.Average(),
            Wrong = wrong,
            Figures = [.. result.Figures, new Figure("accuracy", plain), new Figure("acc_norm", normalized)],
        };
    }

    private static int Best(double[] values) => Array.IndexOf(values, values.Max());
}
