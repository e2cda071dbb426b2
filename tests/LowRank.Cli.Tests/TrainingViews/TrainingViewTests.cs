using System.Text.Json;
using LowRank.Cli.Terminal;
using LowRank.Cli.TrainingViews;
using LowRank.Training.Events;

namespace LowRank.Cli.Tests.TrainingViews;

public class TrainingViewTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public async Task Plain_lines_tell_the_whole_run()
    {
        var (text, code) = await Shown(live: false, json: false, colors: false, Run(RunEnd.Finished));
        Assert.Equal(0, code);
        Assert.Equal("""
            trainable params: 4,884,480 || all params: 139,399,488 || trainable%: 3.5039
            1,200 examples, 24 held out; 100 steps, 2 epochs
            expected peak memory: 800 MiB
            chosen: alpha 16: the rank, so that the scaling is 1

            the first example (learned tokens stand between ⟦ and ⟧):
            user: hi
            ⟦hello<|end|>⟧

            warning: a row is long
            loss before the first step: 3.0000
            step 1/100  loss 3.0000  lr 2.0e-04  1,234 tok/s  700 MiB
            expected time: about 3 min 20 s for the remaining 98 of 100 steps
            step 4/100  loss 1.8818  lr 2.0e-04  1,234 tok/s  700 MiB  3 min 20 s left
            held-out loss 1.5000, perplexity 4.482 at step 4 (best)
              asked:    two⏎lines
              answered: yes
            checkpoint: out/checkpoint-4
            finished after step 4: 1 min 5 s, 1,200 tokens/s
            train loss 1.2500, best held-out loss 1.5000
            peak memory 880 MiB, expected 800 MiB (+10.0 %)
            saved in out

            """, text);
    }

    [Fact]
    public async Task A_stopped_run_says_how_to_go_on_and_exits_130()
    {
        var (text, code) = await Shown(live: false, json: false, colors: false, Run(RunEnd.Cancelled));
        Assert.Equal(130, code);
        Assert.EndsWith("go on with: lowrank train --resume out\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_lines_are_those_of_the_metrics_file()
    {
        var (text, _) = await Shown(live: false, json: true, colors: false, Run(RunEnd.Finished));
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Run(RunEnd.Finished).Count, lines.Length);
        Assert.Equal("start", JsonDocument.Parse(lines[0]).RootElement.GetProperty("event").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_terminal_gets_a_foot_that_fits_60_columns_and_keeps_the_lines(bool colors)
    {
        var (text, code) = await Shown(live: true, json: false, colors, Run(RunEnd.Finished));
        Assert.Equal(0, code);
        Assert.Contains('\e', text);
        Assert.Equal(colors, text.Contains("\e[1;", StringComparison.Ordinal) || text.Contains("\e[38;", StringComparison.Ordinal) || text.Contains("\e[32", StringComparison.Ordinal));
        Assert.Contains("saved in out", text, StringComparison.Ordinal);
        var shown = System.Text.RegularExpressions.Regex.Replace(text, @"\e\[[?0-9;]*[A-Za-z]", "");
        var feet = shown.Split('\n').SelectMany(l => l.Split('\r')).Where(l => l.Contains('─') || l.Contains('━')).ToList();
        Assert.NotEmpty(feet);
        Assert.All(feet, line => Assert.InRange(line.Length, 20, 60));
        Assert.Contains(feet, line => line.Contains("4/100", StringComparison.Ordinal));
    }

    private static async Task<(string Text, int Code)> Shown(bool live, bool json, bool colors, IReadOnlyList<TrainingEvent> events)
    {
        var output = new StringWriter { NewLine = "\n" };
        var screen = new Screen { Out = output, Error = TextWriter.Null, IsLive = live, Colors = colors, Columns = live ? 60 : null };
        var code = await TrainingView.For(screen, json).ShowAsync(events.ToAsyncEnumerable());
        return (output.ToString(), code);
    }

    private static IReadOnlyList<TrainingEvent> Run(RunEnd end) =>
    [
        new RunStarted
        {
            TrainableParameters = 4_884_480, AllParameters = 139_399_488, TotalSteps = 100, Epochs = 2, Examples = 1200, ValidationExamples = 24, PredictedPeakBytes = 800 * MiB,
            FirstExample = [("user: hi\n", false), ("hello<|end|>", true)], Choices = ["alpha 16: the rank, so that the scaling is 1"],
        },
        new RunWarning("a row is long"),
        Step(1, 3, null), Step(2, 2, TimeSpan.FromSeconds(200)), Step(3, 1.9, TimeSpan.FromSeconds(200)), Step(4, 1.8, TimeSpan.FromSeconds(200), supervised: 20),
        new EvaluationCompleted { Step = 4, Loss = 1.5, IsBest = true, Samples = [("two\nlines", "yes")] },
        new CheckpointSaved("out/checkpoint-4") { Step = 4 },
        new RunCompleted
        {
            Step = 4, End = end, Folder = "out", TrainLoss = 1.25, BestValidationLoss = 1.5, Elapsed = TimeSpan.FromSeconds(65), TokensPerSecond = 1200, PeakBytes = 880 * MiB, PredictedPeakBytes = 800 * MiB,
        },
    ];

    private static StepCompleted Step(long step, double loss, TimeSpan? left, long supervised = 12) => new()
    {
        Step = step, Loss = loss, LearningRate = 2e-4, GradientNorm = 1, Epoch = 0.1, Tokens = 100, SupervisedTokens = supervised, TokensPerSecond = 1234, PeakBytes = 700 * MiB, ResidentBytes = 600 * MiB, TimeLeft = left,
    };
}
