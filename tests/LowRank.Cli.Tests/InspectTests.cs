using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Doctor_prints_findings_as_text_and_as_json()
    {
        var result = await Tool.Run("doctor", "--quick", "--json");
        Assert.Equal(0, result.Code);
        using var json = JsonDocument.Parse(result.Out);
        Assert.True(json.RootElement.GetProperty("healthy").GetBoolean());
        var libtorch = json.RootElement.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == "libtorch");
        Assert.Equal("ok", libtorch.GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_checkpoint_is_summed_up()
    {
        var model = TinyModel.Create(folder.At("model"));
        var result = await Tool.Run("inspect", model, "--tensors");
        Assert.Equal(0, result.Code);
        Assert.Contains("safetensors folder", result.Out, StringComparison.Ordinal);
        Assert.Contains("model.embed_tokens.weight  F32 [400, 32]", result.Out, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await Tool.Run("inspect", Path.Combine(model, "model.safetensors"), "--json")).Out);
        Assert.True(json.RootElement.GetProperty("parameters").GetInt64() > 400 * 32);
    }

    [Fact]
    public async Task An_adapter_shows_its_configuration()
    {
        var adapter = Directory.Exists(Golden.At("models", "lora")) ? Directory.GetDirectories(Golden.At("models", "lora")).Order(StringComparer.Ordinal).First() : null;
        Assert.SkipUnless(adapter is not null, "absent: models/lora");
        var result = await Tool.Run("inspect", adapter);
        Assert.Equal(0, result.Code);
        Assert.Contains("PEFT adapter", result.Out, StringComparison.Ordinal);
        Assert.Matches(@"\nrank +\d+\n", result.Out);
        Assert.Matches(@"\nalpha +\S+ a scaling of ", result.Out);
    }

    [Fact]
    public async Task Rows_are_shown_with_what_is_learned_between_marks()
    {
        var (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        var result = await Tool.Run("inspect", data, "--model", model, "--rows", "2");
        Assert.Equal(0, result.Code);
        Assert.Contains("<|user|>Which colour has number 0?<|end|>\n<|assistant|>⟦red<|end|>\n⟧", result.Out, StringComparison.Ordinal);
        Assert.Contains($"{data}:2", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public async Task Rows_come_as_json_too()
    {
        var (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        using var json = JsonDocument.Parse((await Tool.Run("inspect", data, "--model", model, "--json")).Out);
        Assert.Equal(24, json.RootElement.GetProperty("statistics").GetProperty("rows").GetInt32());
        Assert.Contains(json.RootElement.GetProperty("rows")[0].GetProperty("runs").EnumerateArray(), r => r.GetProperty("supervised").GetBoolean());
    }

    [Fact]
    public async Task Lengths_duplicates_and_leaks_are_told_and_drawn()
    {
        var (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        File.AppendAllText(data, File.ReadLines(data).First() + "\n");
        var held = folder.Write("held.jsonl", File.ReadLines(data).Skip(3).First() + "\n");
        var result = await Tool.Run("inspect", data, "--model", model, "--max-length", "20", "--validation", held, "--picture", folder.At("lengths.png"));
        Assert.Equal(0, result.Code);
        Assert.Contains("rows by length in tokens:", result.Out, StringComparison.Ordinal);
        Assert.Contains('█', result.Out);
        Assert.Contains($"1 row says what an earlier one says: {data}:25 is {data}:1", result.Out, StringComparison.Ordinal);
        Assert.Contains($"1 of them is among the training rows: {held}:1 is {data}:4", result.Out, StringComparison.Ordinal);
        Assert.Contains("longer than what is kept", result.Out, StringComparison.Ordinal);
        Assert.True(File.ReadAllBytes(folder.At("lengths.png")).AsSpan(1, 3).SequenceEqual("PNG"u8));
        using var json = JsonDocument.Parse((await Tool.Run("inspect", data, "--validation", held, "--json")).Out);
        var report = json.RootElement.GetProperty("report");
        Assert.Equal((1, 1, 25), (report.GetProperty("duplicates").GetProperty("count").GetInt32(), report.GetProperty("leakage").GetProperty("same").GetProperty("count").GetInt32(),
            report.GetProperty("lengths").GetProperty("bins").EnumerateArray().Sum(b => b.GetProperty("rows").GetInt32())));
    }

    [Fact]
    public async Task Every_kind_of_file_and_of_row_is_shown()
    {
        var csv = folder.Write("rows.csv", "question,answer\na,b\nc\n");
        (await Tool.Run("inspect", csv)).AssertFails(1, "--columns prompt=question,completion=answer");
        var skipped = await Tool.Run("inspect", csv, "--columns", "prompt=question,response=answer", "--on-bad-row", "skip");
        Assert.Equal(0, skipped.Code);
        Assert.Contains("1 wrong row", skipped.Out, StringComparison.Ordinal);
        Assert.Contains($"{csv}:3: 1 field instead of the 2 of the header (question, answer); the row is left out", skipped.Out, StringComparison.Ordinal);
        var model = TinyModel.Create(folder.At("model"));
        var preferences = folder.Write("pairs.jsonl", """{"prompt": "p", "chosen": "good", "rejected": "bad"}""" + "\n");
        var shown = await Tool.Run("inspect", preferences, "--model", model);
        Assert.Contains("⟦good<|end|>", shown.Out, StringComparison.Ordinal);
        Assert.Contains("⟦bad<|end|>", shown.Out, StringComparison.Ordinal);
        Assert.Contains("chosen: good", (await Tool.Run("inspect", preferences)).Out, StringComparison.Ordinal);
        Assert.Contains("format  PromptCompletion", (await Tool.Run("inspect", $"{csv},{csv}", "--columns", "prompt=question,response=answer", "--on-bad-row", "skip")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_of_a_file_do_not_reach_the_terminal()
    {
        var data = folder.Write("rows.jsonl", """{"prompt": "a\u001b[2Jb", "completion": "c"}""" + "\n");
        Assert.Contains("a␛[2Jb", (await Tool.Run("inspect", data)).Out, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "RealModel")]
    public async Task A_gguf_becomes_a_folder_once()
    {
        var gguf = RealModels.Require(RealModels.SmolLM2);
        var result = await Tool.Run("convert", gguf, folder.At("hf"));
        Assert.Equal(0, result.Code);
        Assert.Contains("converting: 100 %", result.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(folder.At("hf/model.safetensors")));
        (await Tool.Run("convert", gguf, folder.At("hf"))).AssertFails(1, "exists");
    }
}
