using LowRank.Testing;
using LowRank.Training.Guards;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>What a user sees of guards: warnings and errors with their names, and how to silence them.</summary>
public sealed class GuardTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string[] Train(string output, string data, params string[] more) =>
        ["train", "--model", TinyModel.Create(folder.At("model")), "--data", data, "--rank", "4", "--max-steps", "2", "--threads", "1", "--output", folder.At(output), .. more];

    [Fact]
    public async Task A_warning_has_its_name_until_it_is_silenced()
    {
        var data = TinyModel.CreateData(folder.At("rows.jsonl"));
        var train = await Tool.Run(Train("out", data, "--learning-rate", "1e-7"));
        Assert.Equal(0, train.Code);
        Assert.Matches(@"\nwarning: \[lr-unfit\] The learning rate 1e-7 is far too low .* \(--silence lr-unfit\)\n", train.Out);
        var silent = await Tool.Run(Train("silent", data, "--learning-rate", "1e-7", "--silence", "lr-unfit"));
        Assert.Equal(0, silent.Code);
        Assert.DoesNotContain("warning", silent.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_has_its_name_and_says_how_to_silence_it()
    {
        var data = folder.Write("rows.jsonl", "{\"prompt\":\"Hello?\",\"completion\":\"Yes.\"}\n{\"prompt\":\"Hello?\",\"completion\":\"\"}\n");
        var train = await Tool.Run(Train("out", data));
        train.AssertFails(1, "error: [nothing-supervised] ", "rows.jsonl:2: \"completion\" is empty or blank", "If it is meant so: --silence nothing-supervised");
        Assert.False(Directory.Exists(folder.At("out")));
        var cut = await Tool.Run(Train("cut", folder.At("rows.jsonl"), "--max-length", "2", "--silence", "nothing-supervised"));
        cut.AssertFails(1, "error: [all-truncated] ");
        Assert.DoesNotContain("--silence", cut.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_no_guard_is_wrong_usage() =>
        (await Tool.Run(Train("out", TinyModel.CreateData(folder.At("rows.jsonl")), "--silence", "rank-to-high"))).AssertFails(2, "there is no guard \"rank-to-high\"; did you mean rank-too-high");

    [Fact]
    public async Task Help_names_the_option()
    {
        var help = await Tool.Run("train", "--help");
        Assert.Contains("--silence GUARDS", help.Out, StringComparison.Ordinal);
        Assert.Contains("docs/guards.md", help.Out, StringComparison.Ordinal);
        Assert.True(GuardIds.All.Count >= 16);
    }
}
