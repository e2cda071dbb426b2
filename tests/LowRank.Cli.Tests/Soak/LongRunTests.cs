using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests.Soak;

/// <summary>
/// A long run of the real program with every tracker that writes files: memory stays flat, files are in order, trackers have every step. 500 steps here, 20,000 by
/// <c>eng/soak.sh long-run</c>.
/// </summary>
public sealed class LongRunTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>What the last three quarters may add to the first: compiled code, buffers of the collector. A leak of 1 KiB a step would add 15 MiB to the long form.</summary>
    private const double GrowthMebibytes = 16;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Memory_is_flat_files_are_in_order_and_trackers_are_complete()
    {
        var steps = SoakVariable.Number("LOWRANK_SOAK_STEPS", 500);
        var (saveEvery, evaluateEvery) = (Math.Max(25, steps / 200), Math.Max(25, steps / 100));
        // Nobody listens at MLflow's address, so its spool keeps everything.
        var run = await Run("--max-steps", $"{steps}", "--save-every", $"{saveEvery}", "--eval-every", $"{evaluateEvery}", "--tracker", "tensorboard,wandb,mlflow", "--mlflow-uri", $"http://127.0.0.1:{ClosedPort()}");
        Assert.True(run.Code == 0, run.Error);
        var files = new RunFiles(folder.At("out"));

        var memory = files.ResidentMebibytes;
        var (quarter, most) = (memory[(steps / 4) - 1], memory.Skip(steps / 4).Max());
        Say($"{steps} steps: {memory[0]:F0} MiB after the first, {quarter:F0} after {steps / 4}, then at most {most:F0}, {memory[^1]:F0} at the end (may grow by {GrowthMebibytes:F0})");
        Assert.True(most <= quarter + GrowthMebibytes, $"{quarter} MiB after {steps / 4} steps, up to {most} MiB later");

        var every = Enumerable.Range(1, steps).Select(s => (long)s).ToArray();
        Assert.Equal(every, files.Steps.Select(s => long.Parse(s.Split(' ')[0], CultureInfo.InvariantCulture)));
        Assert.Equal(steps / evaluateEvery, files.Evaluations.Count);
        // Two newest and the best one.
        Assert.InRange(files.Checkpoints.Count, 2, 3);
        Assert.Equal($"checkpoint-{steps / saveEvery * saveEvery:d6}", files.Checkpoints[^1]);
        Assert.Empty(files.Leftovers);
        Assert.Equal(
            ["adapter_config.json", "adapter_model.safetensors", .. files.Checkpoints, "lowrank.json", "metrics.jsonl", "mlflow", "report", "report.html", "report.md", "run.json", "tensorboard", "wandb"],
            files.Entries);

        Assert.Equal(every, files.BoardSteps);
        Assert.Equal(every, files.WandbSteps);
        Assert.True(files.WandbEnded);
        Assert.Equal(every, files.MlflowSteps);
        Say($"metrics.jsonl, TensorBoard, Weights & Biases and MLflow's spool have each of {steps} steps once and in order; {string.Join(", ", files.Checkpoints)} are left, and nothing temporary");
    }

    private async Task<(int Code, string Error)> Run(params string[] more)
    {
        using var run = Tool.Start(
        [
            "train", "--model", TinyModel.Create(folder.At("model")), "--data", TinyModel.CreateData(folder.At("rows.jsonl")), "--batch", "8", "--rank", "8", "--validation", "4", "--samples", "1", "--sample-tokens", "8",
            "--threads", "1", "--output", folder.At("out"), .. more,
        ]);
        var (output, error) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        await Tool.End(run, TimeSpan.FromHours(1));
        await output;
        return (run.ExitCode, await error);
    }

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Say(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
