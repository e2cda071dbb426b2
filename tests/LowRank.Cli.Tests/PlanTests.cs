using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

public sealed class PlanTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_well_known_model_is_planned_offline_in_80_columns()
    {
        var result = await Tool.Run(["plan", "llama-2-7b", "--memory", "8GB", "--rank", "8,16,32,64"], "", columns: 80);
        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.TrimEnd().Length <= 80, line));
        Assert.Contains("6,738,415,616 parameters", result.Out, StringComparison.Ordinal);
        Assert.Contains("39,976,960", result.Out, StringComparison.Ordinal);
        Assert.Contains("fit: QLoRA", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public async Task The_plan_comes_as_JSON()
    {
        using var json = JsonDocument.Parse((await Tool.Run("plan", "llama-2-7b", "--device", "t4", "--rank", "8,16", "--json")).Out);
        var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToList();
        Assert.Equal(3 * 2 + 3 * 2 * 2, rows.Count);
        var qlora = rows.First(r => r.GetProperty("recipe").GetProperty("base").GetString() == "nf4_double");
        Assert.Equal(3_865_592_704, qlora.GetProperty("plan").GetProperty("base").GetProperty("bytes").GetInt64());
        Assert.Equal(15360L << 20, json.RootElement.GetProperty("memory_bytes").GetInt64());
        Assert.NotEmpty(json.RootElement.GetProperty("advice").EnumerateArray());
    }

    [Fact]
    public async Task Formulas_are_shown_with_their_numbers()
    {
        var result = await Tool.Run("plan", "smollm2-135m", "--memory", "2GiB", "--explain");
        Assert.Equal(0, result.Code);
        Assert.Contains("134,515,008 parameters × 2 B = 256.6 MiB", result.Out, StringComparison.Ordinal);
        Assert.Contains("2,147,483,648 B (--memory) × 0.8 = 1.60 GiB", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lectures_bill_stands_beside_the_exact_one()
    {
        var result = await Tool.Run(["plan", "--lecture"], "", columns: 60);
        Assert.Equal(0, result.Code);
        foreach (var claim in (string[])["M1", "M2", "M3", "M4", "M5", "Q2"]) Assert.Contains($"\n{claim}  ", result.Out, StringComparison.Ordinal);
        Assert.All(result.Out.Split('\n'), line => Assert.True(line.Length <= 60, line));
        using var json = JsonDocument.Parse((await Tool.Run("plan", "--lecture", "--json")).Out);
        Assert.Contains(json.RootElement.EnumerateArray(), l => l.GetProperty("claim").GetString() == "M5");
    }

    [Fact]
    public async Task A_folder_with_data_gives_lengths_and_hours()
    {
        var (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        using var json = JsonDocument.Parse((await Tool.Run("plan", model, "--data", data, "--memory", "1GB", "--gflops", "100", "--json")).Out);
        var plan = json.RootElement;
        Assert.Equal(24, plan.GetProperty("data").GetProperty("examples").GetInt64());
        Assert.Equal(plan.GetProperty("data").GetProperty("longest_row").GetInt32(), plan.GetProperty("length").GetInt32());
        Assert.True(plan.GetProperty("time").GetProperty("adapter_hours").GetDouble() > 0);
    }

    [Fact]
    public async Task A_config_alone_and_a_GGUF_are_enough()
    {
        var model = TinyModel.Create(folder.At("model"));
        Assert.Equal(0, (await Tool.Run("plan", Path.Combine(model, "config.json"), "--memory", "1GB")).Code);
    }

    [Fact]
    [Trait("Category", "RealModel")]
    public async Task A_GGUF_has_the_parameters_of_its_model()
    {
        using var json = JsonDocument.Parse((await Tool.Run("plan", RealModels.Require(RealModels.SmolLM2), "--memory", "2GB", "--json")).Out);
        Assert.Equal(134_515_008, json.RootElement.GetProperty("parameters").GetInt64());
    }

    [Fact]
    public async Task A_cached_hub_id_is_read_from_the_cache()
    {
        var model = TinyModel.Create(folder.At("model"));
        var repository = folder.At("hub/models--some--tiny");
        var snapshot = Path.Combine(repository, "snapshots", "abc");
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        Directory.CreateDirectory(snapshot);
        File.WriteAllText(Path.Combine(repository, "refs", "main"), "abc");
        File.Copy(Path.Combine(model, "config.json"), Path.Combine(snapshot, "config.json"));
        var result = await Tool.Run(["plan", "some/tiny", "--memory", "1GB", "--json"], "", variables: [("HF_HUB_CACHE", folder.At("hub")), ("HF_ENDPOINT", "http://127.0.0.1:9")]);
        Assert.Equal((0, ""), (result.Code, result.Error));
        using var json = JsonDocument.Parse(result.Out);
        Assert.EndsWith("config.json", json.RootElement.GetProperty("model").GetProperty("origin").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_said()
    {
        (await Tool.Run("plan")).AssertFails(2, "Which model?");
        (await Tool.Run("plan", "llama-9")).AssertFails(1, "llama-9", "The table has");
        (await Tool.Run("plan", "llama-2-7b", "--memory", "much")).AssertFails(1, "--memory", "8GiB");
        (await Tool.Run("plan", "llama-2-7b", "--device", "t5", "--target", "qv")).AssertFails(1, "--device", "t4");
        (await Tool.Run("plan", "llama-2-7b", "--memory", "8GB", "--target", "nope")).AssertFails(1, "nope");
    }
}
