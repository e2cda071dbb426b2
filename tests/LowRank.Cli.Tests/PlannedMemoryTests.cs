using System.Text.Json;
using LowRank.Testing;

namespace LowRank.Cli.Tests;

/// <summary>What the planner predicts against what a run of the tool occupies at its peak, over method, targets, checkpointing, batch, length and objective: design decision 11.</summary>
public sealed class PlannedMemoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("lora", 16, 60, "none", "all-linear")]
    [InlineData("lora", 4, 60, "none", "all-linear")]
    [InlineData("lora", 8, 60, "none", "qv")]
    [InlineData("lora", 2, 384, "none", "all-linear")]
    [InlineData("lora", 4, 384, "full", "all-linear")]
    [InlineData("qlora", 8, 60, "none", "all-linear")]
    [InlineData("qlora", 2, 384, "full", "all-linear")]
    [InlineData("full", 4, 60, "none", "all-linear")]
    [InlineData("full", 2, 256, "full", "all-linear")]
    [InlineData("lora", 4, 60, "none", "all-linear", "dpo")]
    [InlineData("lora", 2, 192, "full", "all-linear", "kto")]
    [Trait("Category", "RealModel")]
    public async Task A_run_needs_what_was_planned_within_a_tenth(string method, int batch, int length, string checkpointing, string target, string objective = "sft")
    {
        var (model, data, output) = (RealModels.Require(RealModels.SmolLM2), folder.At("rows.jsonl"), folder.At("run"));
        // Rows of differing lengths, as data has them: the widest of a batch decides. A word of this text is about a token.
        var random = new Random(batch + length);
        string[] words = ["time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state", "family", "student", "group"];
        string Text(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => words[random.Next(words.Length)]));
        // Answers must not be cut off: there is room for the template and for them.
        string Row(string prompt) => objective == "sft" ? JsonSerializer.Serialize(new { prompt, completion = Text(4) }) : JsonSerializer.Serialize(new { prompt, chosen = Text(4), rejected = Text(4) + " other" });
        await File.WriteAllLinesAsync(data, Enumerable.Range(0, 64).Select(i => Row(Text(i == 0 ? length : random.Next(length / 2, length)))), TestContext.Current.CancellationToken);
        var result = await Tool.Run("train", "--model", model, "--data", data, "--output", output, "--method", method, "--batch", $"{batch}", "--max-length", $"{(objective == "sft" ? length : length + 64)}",
            "--checkpointing", checkpointing, "--target", target, "--max-steps", "2", "--objective", objective, "--train-on", objective == "sft" ? "all" : "assistant");
        Assert.True(result.Code == 0, result.Error);
        using var end = JsonDocument.Parse(File.ReadLines(Path.Combine(output, "metrics.jsonl")).Last());
        double predicted = end.RootElement.GetProperty("predicted_peak_mib").GetDouble(), measured = end.RootElement.GetProperty("measured_peak_mib").GetDouble();
        Assert.True(Math.Abs(predicted - measured) <= 0.1 * measured, FormattableString.Invariant($"{objective}, {method}, {batch} × {length}, checkpointing {checkpointing}, {target}: predicted {predicted:0} MiB, measured {measured:0} MiB ({100 * (predicted / measured - 1):+0.0;-0.0} %)"));
        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{objective}, {method}, {batch} × {length}, {checkpointing}, {target}: predicted {predicted:0}, measured {measured:0} MiB ({100 * (predicted / measured - 1):+0.0;-0.0} %)"));
    }
}
