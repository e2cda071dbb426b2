using LowRank.Training.Events;

namespace LowRank.Training.Trackers;

/// <summary>
/// The numbers of an event under the names that all trackers share, which are those of transformers' Trainer where it has them (<c>train/loss</c>, <c>train/learning_rate</c>,
/// <c>train/grad_norm</c>, <c>eval/loss</c>).
/// </summary>
internal static class RunScalars
{
    /// <summary>The training loss of a step.</summary>
    public const string Loss = "train/loss";

    /// <summary>The held-out loss.</summary>
    public const string HeldOutLoss = "eval/loss";

    /// <summary>Appends the numbers of an event; none for events without numbers. An infinite perplexity stays infinite.</summary>
    public static void AppendTo(List<KeyValuePair<string, double>> list, TrainingEvent e)
    {
        switch (e)
        {
            case StepCompleted s:
                Add(Loss, s.Loss);
                Preference("train", s.Preference);
                Add("train/learning_rate", s.LearningRate);
                Add("train/grad_norm", s.GradientNorm);
                Add("epoch", s.Epoch);
                Add("train/tokens", s.Tokens);
                Add("train/supervised_tokens", s.SupervisedTokens);
                Add("train/tokens_per_second", s.TokensPerSecond);
                Add("memory/rss_mib", Mebibytes(s.ResidentBytes));
                Add("memory/peak_rss_mib", Mebibytes(s.PeakBytes));
                if (s.Paging is { } paging)
                {
                    Add("memory/paged_in_mib", Mebibytes(paging.InBytes));
                    Add("memory/paged_out_mib", Mebibytes(paging.OutBytes));
                }
                break;
            case EvaluationCompleted s:
                Add(HeldOutLoss, s.Loss);
                if (s.Preference is null) Add("eval/perplexity", s.Perplexity);
                Preference("eval", s.Preference);
                break;
            case RunCompleted s:
                Add("final/train_loss", s.TrainLoss);
                if (s.BestValidationLoss is { } best) Add("final/best_eval_loss", best);
                Add("final/seconds", s.Elapsed.TotalSeconds);
                Add("final/tokens_per_second", s.TokensPerSecond);
                Add("final/measured_peak_mib", Mebibytes(s.PeakBytes));
                if (s.PredictedPeakBytes is { } predicted) Add("final/predicted_peak_mib", Mebibytes(predicted));
                break;
        }

        // TRL's names.
        void Preference(string stage, PreferenceMetrics? metrics)
        {
            if (metrics is null) return;
            Add(stage + "/rewards/chosen", metrics.ChosenReward);
            Add(stage + "/rewards/rejected", metrics.RejectedReward);
            Add(stage + "/rewards/margins", metrics.Margin);
            Add(stage + "/rewards/accuracies", metrics.Accuracy);
            if (metrics.Kl is { } kl) Add(stage + "/kl", kl);
        }

        void Add(string name, double value) => list.Add(new(name, value));
    }

    private static double Mebibytes(long bytes) => Math.Round(bytes / 1048576.0, 1);
}
