using System.Diagnostics;
using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>A tiny model through the real program: train, eval, generate, chat; stopped by Ctrl-C and resumed.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;
    private readonly string data;

    public TrainTests() => (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_run_from_yaml_leaves_an_adapter_that_eval_generate_and_chat_use()
    {
        var yaml = folder.Write("run.yaml", $"model: {model}\ndata: {data}\ntarget: [q_proj, v_proj]\nrank: 2\nmax-steps: 3\nvalidation: 4\nthreads: 1\n");
        var train = await Tool.Run("train", "--config", yaml, "--rank", "4", "--output", folder.At("out"));
        Assert.True(train.Code == 0, train.Error);
        Assert.Matches(@"^trainable params: [\d,]+ \|\| all params: [\d,]+ \|\| trainable%: \d+\.\d{4}\n", train.Out);
        Assert.Contains("⟦", train.Out, StringComparison.Ordinal);
        Assert.Matches(@"\nstep 1/3  loss \d+\.\d{4}  lr ", train.Out);
        Assert.Contains("held-out loss", train.Out, StringComparison.Ordinal);
        using var config = JsonDocument.Parse(File.ReadAllText(folder.At("out/adapter_config.json")));
        Assert.Equal(4, config.RootElement.GetProperty("r").GetInt32());

        using var eval = JsonDocument.Parse((await Tool.Run("eval", "--adapter", folder.At("out"), "--data", data, "--metric", "exact", "--max-new-tokens", "4", "--json")).Out);
        foreach (var key in (string[])["loss", "perplexity", "supervised_tokens", "accuracy", "rows"])
        {
            Assert.Equal(JsonValueKind.Number, eval.RootElement.GetProperty(key).ValueKind);
            Assert.Equal(JsonValueKind.Number, eval.RootElement.GetProperty("base").GetProperty(key).ValueKind);
        }

        var prompts = folder.Write("prompts.txt", "Which colour has number 1?\n\nWhich colour has number 2?\n");
        var answers = await Tool.Run("generate", "--adapter", folder.At("out"), "--file", prompts, "--max-new-tokens", "4", "--json");
        Assert.Equal(0, answers.Code);
        var lines = answers.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.InRange(JsonDocument.Parse(line).RootElement.GetProperty("tokens").GetInt32(), 1, 4));

        var chat = await Tool.Run(["chat", "--model", model, "--adapter", folder.At("out"), "--max-new-tokens", "4"], "Hello\n/clear\nHello\n/exit\nnever\n");
        Assert.Equal(0, chat.Code);
        var turns = chat.Out.TrimEnd('\n');
        Assert.Equal(turns[..((turns.Length - 1) / 2)], turns[((turns.Length + 1) / 2)..]);
    }

    [Fact]
    public async Task A_second_run_takes_the_tokens_of_the_first_and_ends_with_the_same_bytes()
    {
        Directory.CreateDirectory(folder.At("set"));
        // More than a megabyte, from which on tokens are kept; with a validation split that is found by its name.
        folder.Write("set/train.csv", "question,answer\n" + string.Concat(Enumerable.Range(0, 11000).Select(i => $"Which colour has number {i} of the many numbers that there are in this long list of numbers?,\"red, {i % 7}\"\n")));
        folder.Write("set/valid.csv", "question,answer\nWhich colour?,\"red, 3\"\n");
        Task<ToolResult> Train(string output, params string[] more) => Tool.Run(["train", "--model", model, "--data", folder.At("set"), "--columns", "prompt=question,response=answer", "--output", folder.At(output),
            "--max-steps", "2", "--rank", "2", "--threads", "1", .. more], "", null, ("LOWRANK_DATA_CACHE", folder.At("cache")));
        var first = await Train("one");
        Assert.True(first.Code == 0, first.Error);
        Assert.Contains("held-out loss", first.Out, StringComparison.Ordinal);
        var kept = Assert.Single(Directory.GetFiles(folder.At("cache"), "*.tokens"));
        var second = await Train("two");
        Assert.True(second.Code == 0, second.Error);
        Assert.Contains("11000 rows are tokenized already", second.Error, StringComparison.Ordinal);
        var off = await Train("three", "--data-cache", "off");
        Assert.True(off.Code == 0, off.Error);
        Assert.DoesNotContain("tokenized already", off.Error, StringComparison.Ordinal);
        Assert.Equal(kept, Assert.Single(Directory.GetFiles(folder.At("cache"), "*.tokens")));
        foreach (var output in (string[])["two", "three"])
            Assert.Equal(File.ReadAllBytes(folder.At("one/adapter_model.safetensors")), File.ReadAllBytes(folder.At(output + "/adapter_model.safetensors")));
    }

    [Fact]
    public async Task Wrong_rows_are_left_out_and_counted_and_other_objectives_named()
    {
        File.AppendAllText(data, "{\"messages\": []}\n{\"mesages\": 1}\n");
        string[] run = ["train", "--model", model, "--max-steps", "1", "--rank", "2", "--threads", "1"];
        (await Tool.Run([.. run, "--data", data, "--output", folder.At("stop")])).AssertFails(1, "2 problems", $"{data}:25: \"messages\" is empty");
        var skipped = await Tool.Run([.. run, "--data", data, "--on-bad-row", "skip", "--output", folder.At("skip")]);
        Assert.True(skipped.Code == 0, skipped.Error);
        Assert.Contains("2 rows are left out, because they are wrong", skipped.Out + skipped.Error, StringComparison.Ordinal);
        var pairs = folder.Write("pairs.jsonl", """{"prompt": "p", "chosen": "c", "rejected": "r"}""" + "\n");
        (await Tool.Run([.. run, "--data", pairs, "--output", folder.At("pairs")])).AssertFails(1, "objective that compares two answers");
    }

    [Fact]
    public async Task Json_prints_one_event_a_line()
    {
        var train = await Tool.Run("train", "--model", model, "--data", data, "--output", folder.At("out"), "--max-steps", "2", "--threads", "1", "--json");
        Assert.Equal(0, train.Code);
        string?[] events = [.. train.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString())];
        Assert.Equal("start", events[0]);
        Assert.Equal("end", events[^1]);
        Assert.Equal(2, events.Count(e => e == "step"));
    }

    [Fact]
    public async Task Bench_prints_its_figures()
    {
        var bench = await Tool.Run("bench", "--model", model, "--batch", "1", "--length", "8", "--steps", "1", "--threads", "1", "--json");
        Assert.True(bench.Code == 0, bench.Error);
        using var json = JsonDocument.Parse(bench.Out);
        string[] keys = ["tokens_per_second", "flops_per_token", "gemm_fp32_gflops", "gemm_bf16_gflops", "compute_dtype", "peak_ratio", "peak_rss_mib", "seconds_to_first_step", "minor_faults_per_step"];
        Assert.Equal(keys, json.RootElement.EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public async Task Bench_of_generation_prints_its_figures()
    {
        var bench = await Tool.Run("bench", "--model", model, "--measure", "generation", "--batch", "3", "--length", "12", "--steps", "1", "--threads", "2", "--json");
        Assert.True(bench.Code == 0, bench.Error);
        using var json = JsonDocument.Parse(bench.Out);
        string[] keys = ["prefill_tokens_per_second", "prefill_peak_ratio", "decode_tokens_per_second", "weight_bytes_per_step", "decode_bandwidth_ratio", "read_gb_per_second", "gemm_fp32_gflops", "compute_dtype", "peak_rss_mib"];
        Assert.Equal(keys, json.RootElement.EnumerateObject().Select(p => p.Name));
        foreach (var key in keys.Where(k => k != "compute_dtype")) Assert.True(json.RootElement.GetProperty(key).GetDouble() > 0, key);
    }

    [Fact]
    public async Task Bench_needs_a_model_or_a_shape()
    {
        var none = await Tool.Run("bench", "--json");
        Assert.NotEqual(0, none.Code);
        Assert.Contains("Give --model with a model's files, or --shape", none.Error, StringComparison.Ordinal);
        var unknown = await Tool.Run("bench", "--shape", "qwen9");
        Assert.NotEqual(0, unknown.Code);
        Assert.Contains("--shape qwen9: no such model in LowRank's table, which has llama-2-7b", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_saves_and_the_resumed_run_ends_as_the_unbroken_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "signals are sent with kill");
        string[] settings = ["--model", model, "--data", data, "--max-steps", "300", "--batch", "4", "--learning-rate", "0.01", "--threads", "1"];
        using var stopped = Tool.Start(["train", .. settings, "--output", folder.At("stopped")]);
        var error = stopped.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (await stopped.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.StartsWith("step ", StringComparison.Ordinal)) { }
        using (var kill = Process.Start("kill", ["-INT", $"{stopped.Id}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        var rest = await stopped.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await Tool.End(stopped);
        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("Ctrl-C again", await error, StringComparison.Ordinal);
        Assert.Contains("go on with: lowrank train --resume", rest, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.At("stopped/adapter_model.safetensors")));

        (await Tool.Run("train", "--resume", folder.At("stopped"), "--rank", "3")).AssertFails(2, "--rank 3 differs from the run's 16");
        var resumed = await Tool.Run(["train", .. settings, "--resume", folder.At("stopped")]);
        Assert.True(resumed.Code == 0, resumed.Error);
        Assert.Contains("resumed at step", resumed.Out, StringComparison.Ordinal);
        Assert.Equal(0, (await Tool.Run(["train", .. settings, "--output", folder.At("whole")])).Code);
        Assert.Equal(File.ReadAllBytes(folder.At("whole/adapter_model.safetensors")), File.ReadAllBytes(folder.At("stopped/adapter_model.safetensors")));
    }
}
