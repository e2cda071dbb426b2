using System.Text.Json.Nodes;
using LowRank.Training.Events;
using LowRank.Training.Trackers;

namespace LowRank.Training.Tests.Trackers;

/// <summary>A made-up run and its events, for trackers without a trainer.</summary>
internal static class SampleRun
{
    public static readonly DateTimeOffset Start = new(2026, 1, 15, 9, 30, 0, TimeSpan.Zero);

    public static RunDescription Describe(string folder, string name = "sample") => new()
    {
        Id = "ab12cd34",
        Name = name,
        Project = "lowrank",
        Tags = ["lora", "kind=test"],
        Folder = folder,
        Started = Start,
        Version = "0.1.0-test",
        Commit = new GitCommit(new string('a', 40), "https://example.org/repo.git"),
        Config = new JsonObject { ["method"] = "lora", ["rank"] = 16, ["learning-rate"] = 2e-4, ["packing"] = true, ["model"] = "a \"model\" é 한", ["data_fingerprint"] = "00ff", ["git_commit"] = new string('a', 40) },
    };

    /// <summary>The events of some steps, with an evaluation after every third.</summary>
    public static IEnumerable<TrackedEvent> Events(int from, int to, RunEnd? end = RunEnd.Finished)
    {
        yield return At(new RunStarted { Step = from, TrainableParameters = 10, AllParameters = 100, TotalSteps = 9, Epochs = 1, Examples = 20, ValidationExamples = 5, Choices = ["threads 1: all"] }, from);
        for (var step = from + 1; step <= to; step++)
        {
            yield return At(Step(step), step);
            if (step % 3 == 0) yield return At(new EvaluationCompleted { Step = step, Loss = HeldOut(step), IsBest = true, Samples = [("ask\nme", "answer")] }, step);
        }
        if (end is { } how) yield return At(new RunCompleted { Step = to, End = how, Folder = "out", TrainLoss = 0.5, Elapsed = TimeSpan.FromSeconds(9), TokensPerSecond = 100, PeakBytes = 3 << 20, PredictedPeakBytes = 4 << 20 }, to);
    }

    public static double HeldOut(int step) => step == 6 ? 0.75 : 2 - step / 100.0;

    public static StepCompleted Step(int step) => new()
    {
        Step = step, Loss = 3.0 / step, LearningRate = 1e-4 * step, GradientNorm = step == 2 ? double.PositiveInfinity : 1.5, Epoch = step / 9.0, Tokens = 100, SupervisedTokens = 40, TokensPerSecond = 50, ResidentBytes = 1 << 20, PeakBytes = 2 << 20,
    };

    private static TrackedEvent At(TrainingEvent e, int step) => new(e, Start.AddSeconds(step));

    /// <summary>Gives events to a tracker as its worker does, and ends it.</summary>
    public static void Feed(ITracker tracker, IEnumerable<TrackedEvent> events, RunEnd? end = RunEnd.Finished, bool flush = true)
    {
        using (tracker)
        {
            foreach (var tracked in events)
            {
                tracker.Write(tracked);
                if (flush) tracker.Flush();
            }
            tracker.End(end, Start.AddSeconds(10), CancellationToken.None);
        }
    }
}
