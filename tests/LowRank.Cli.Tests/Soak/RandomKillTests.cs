using System.Diagnostics;
using System.Globalization;
using LowRank.Testing;
using LowRank.Training.Checkpoints;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests.Soak;

/// <summary>
/// The real program, ended by kill -9 at random instants of a run's life: while it loads, trains, evaluates, saves, deletes, reports. Two ends here, fifty by
/// <c>eng/soak.sh random-kills</c>. Ends at each single file operation are in TrainingRunTests.
/// </summary>
/// <remarks>An instant is a line of the run's output and a time after it, so that the instants spread over the whole run however fast the machine is; one in ten lies before the first line.</remarks>
public sealed class RandomKillTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 200;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(40);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Killed_at_any_instant_a_run_goes_on_to_the_same_end()
    {
        var (kills, seed) = (SoakVariable.Number("LOWRANK_SOAK_KILLS", 2), SoakVariable.Number("LOWRANK_SOAK_SEED", 1));
        var (lines, start) = await Finish("whole");
        var whole = new RunFiles(folder.At("whole"));
        Assert.Equal(Steps, whole.Steps.Count);
        var adapter = await Adapter("whole");
        Say($"seed {seed}; the unbroken run prints {lines} lines, the first after {start.TotalSeconds:F2} s");

        var random = new Random(seed);
        var (killed, late, anew) = (0, 0, 0);
        while (killed < kills)
        {
            var name = $"killed-{killed + late}";
            var (line, wait) = random.Next(10) == 0 ? (0, start * random.NextDouble()) : (1 + random.Next(lines), LongestWait * random.NextDouble());
            if (!await Kill(name, line, wait))
            {
                // It came to its end in the short time behind one of its last lines.
                Assert.True(++late <= 3 + kills / 4, $"{late} of {killed + late} runs ended before they could be killed");
                continue;
            }
            killed++;
            var reached = Reached(name);
            var resumed = await Tool.Run("train", "--resume", folder.At(name));
            if (resumed.Code != 0)
            {
                // Before its first checkpoint there is nothing to go on from, and the tool says what to do.
                Assert.True(resumed.Error.Contains("has no checkpoint yet. Delete the folder and begin anew.", StringComparison.Ordinal) || resumed.Error.Contains("was not written by a run of LowRank", StringComparison.Ordinal), resumed.Error);
                Assert.Null(TrainingCheckpoint.Newest(folder.At(name)));
                if (Directory.Exists(folder.At(name))) Directory.Delete(folder.At(name), recursive: true);
                await Finish(name);
                anew++;
            }
            Say($"kill {killed}: {wait.TotalMilliseconds:F1} ms after line {line}, at {reached}; {(resumed.Code == 0 ? "resumed" : "begun anew")}");
            AssertSameEnd(new RunFiles(folder.At(name)), whole, adapter, await Adapter(name));
            Directory.Delete(folder.At(name), recursive: true);
        }
        Say($"{killed} runs killed, {killed - anew} resumed, {anew} begun anew (no checkpoint yet), {late} more had ended before: adapter bytes, steps, files and the history of Weights & Biases are those of the unbroken run");
        Assert.True(killed - anew > kills / 2, $"only {killed - anew} of {killed} were resumed from a checkpoint");
    }

    private static void AssertSameEnd(RunFiles got, RunFiles want, byte[] wantAdapter, byte[] gotAdapter)
    {
        Assert.Equal(wantAdapter, gotAdapter);
        Assert.Equal(want.Steps, got.Steps);
        Assert.Equal(want.Evaluations, got.Evaluations);
        // Trackers hand everything on before a checkpoint is taken, so none lacks a step that the run does not take again.
        Assert.Equal(want.WandbSteps, got.WandbSteps);
        Assert.True(got.WandbEnded);
        Assert.Empty(got.Leftovers);
        Assert.Equal(want.Entries, got.Entries);
    }

    private string[] Arguments(string name) =>
    [
        "train", "--model", TinyModel.Create(folder.At("model")), "--data", TinyModel.CreateData(folder.At("rows.jsonl")), "--max-steps", $"{Steps}", "--batch", "4", "--learning-rate", "0.01", "--dropout", "0.1",
        "--rank", "4", "--validation", "4", "--eval-every", "20", "--samples", "1", "--sample-tokens", "4", "--save-every", "5", "--threads", "1", "--tracker", "tensorboard,wandb", "--output", folder.At(name), "--json",
    ];

    private Task<byte[]> Adapter(string name) => File.ReadAllBytesAsync(folder.At(name + "/adapter_model.safetensors"), TestContext.Current.CancellationToken);

    // A whole run: the lines that it prints, and the time until the first.
    private async Task<(int Lines, TimeSpan Start)> Finish(string name)
    {
        var begin = Stopwatch.GetTimestamp();
        var (lines, start) = (0, TimeSpan.Zero);
        using var run = Tool.Start(Arguments(name));
        var error = run.StandardError.ReadToEndAsync();
        while (await run.StandardOutput.ReadLineAsync() is not null)
            if (lines++ == 0) start = Stopwatch.GetElapsedTime(begin);
        await Tool.End(run);
        Assert.True(run.ExitCode == 0, await error);
        return (lines, start);
    }

    // False where the run had come to its end before.
    private async Task<bool> Kill(string name, int line, TimeSpan wait)
    {
        using var run = Tool.Start(Arguments(name));
        var error = run.StandardError.ReadToEndAsync();
        for (var read = 0; read < line && await run.StandardOutput.ReadLineAsync() is not null; read++) { }
        await Task.Delay(wait);
        run.Kill();
        await run.StandardOutput.ReadToEndAsync();
        await Tool.End(run);
        Assert.True(run.ExitCode is 0 or 137 || OperatingSystem.IsWindows(), await error);
        return run.ExitCode != 0;
    }

    private string Reached(string name)
    {
        var metrics = folder.At(name + "/metrics.jsonl");
        if (!File.Exists(metrics)) return "its start";
        var lines = File.ReadAllText(metrics).Split('\n');
        return lines.Length < 2 ? "its first line" : lines[^2].Split(',') is [var kind, var step, ..] ? $"{step.Replace("\"step\":", "step ", StringComparison.Ordinal)} ({kind.Split('"')[^2]})" : lines[^2];
    }

    private void Say(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
