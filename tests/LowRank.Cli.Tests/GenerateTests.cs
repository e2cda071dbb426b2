using System.Text.Json;
using LowRank.Adapters;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>Prompts of a file that are answered by different adapters over one base.</summary>
public sealed class GenerateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Each_line_is_answered_by_its_own_adapter()
    {
        var model = TinyModel.Create(folder.At("model"));
        var (first, second) = (TinyAdapter.Write(folder.At("first")), TinyAdapter.Write(folder.At("second"), new LoraConfig { Rank = 4, Alpha = 60, TargetModules = ["q_proj", "v_proj"] }));
        async Task<JsonElement[]> Generate(params string[] arguments)
        {
            var result = await Tool.Run(["generate", "--model", model, "--raw", "--max-new-tokens", "12", "--json", .. arguments]);
            Assert.True(result.Code == 0, result.Error);
            return [.. result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];
        }

        string[] wanted =
        [
            (await Generate("--prompt", "Which colour", "--adapter", first))[0].GetProperty("text").GetString()!, (await Generate("--prompt", "Which colour"))[0].GetProperty("text").GetString()!,
            (await Generate("--prompt", "Which colour", "--adapter", second))[0].GetProperty("text").GetString()!,
        ];
        Assert.Equal(3, wanted.Distinct().Count());
        var line = (string? adapter) => JsonSerializer.Serialize(new { prompt = "Which colour", adapter }) + "\n";
        var prompts = folder.Write("prompts.jsonl", line(first) + line(null) + line(second) + "{\"prompt\": \"Which colour\"}\n");
        // The line that names none takes that of the command.
        var mixed = await Generate("--file", prompts, "--adapter", second);
        Assert.Equal([.. wanted, wanted[2]], mixed.Select(l => l.GetProperty("text").GetString()));
        Assert.Equal([first, null, second, second], mixed.Select(l => l.GetProperty("adapter").GetString()));

        // What is told of one adapter is told of each.
        var unconverted = TinyAdapter.Write(folder.At("unconverted"), new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ["q_proj", "v_proj"], Initialization = LoraInitialization.Pissa });
        var alone = await Tool.Run("generate", "--model", model, "--raw", "--prompt", "a", "--adapter", unconverted, "--max-new-tokens", "1");
        var beside = await Tool.Run("generate", "--model", model, "--raw", "--file", folder.Write("two.jsonl", line(first) + line(unconverted)), "--max-new-tokens", "1");
        Assert.Contains("unconverted", alone.Error, StringComparison.Ordinal);
        Assert.Equal(alone.Error.Split('\n').Where(l => l.StartsWith("warning", StringComparison.Ordinal)), beside.Error.Split('\n').Where(l => l.StartsWith("warning", StringComparison.Ordinal)));

        (await Tool.Run("generate", "--model", model, "--file", folder.Write("wrong.jsonl", "{\"prompt\": \"a\", \"adapter\": 3}\n"))).AssertFails(1, "wrong.jsonl:1", "\"adapter\" is a folder or a hub id");
        (await Tool.Run("generate", "--model", model, "--file", folder.Write("none.jsonl", "{\"prompt\": \"a\", \"adapter\": \"nowhere-at-all\"}\n"))).AssertFails(1, "nowhere-at-all does not exist. An adapter is a folder");
    }
}
