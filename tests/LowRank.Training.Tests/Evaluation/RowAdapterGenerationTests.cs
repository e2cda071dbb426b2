using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Models.Generation;
using LowRank.Testing;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Evaluation;

/// <summary>Prompts that are answered together, each with an adapter of its own.</summary>
public sealed class RowAdapterGenerationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private LanguageModel Model()
    {
        var path = TinyModel.Create(folder.At("model"));
        KnownAdapter.Write(path, folder.At("maths"), new LoraConfig { Rank = 4, Alpha = 32, TargetModules = ["q_proj", "v_proj", "down_proj"] });
        KnownAdapter.Write(path, folder.At("code"), new LoraConfig { Rank = 2, Alpha = 40, TargetModules = ModulePattern.AllLinear });
        KnownAdapter.Write(path, folder.At("lengths"), new LoraConfig { Rank = 2, Alpha = 16, UseDora = true, TargetModules = ["o_proj", "up_proj"] });
        return ModelLoader.Load(path, new ModelLoadOptions { Device = CPU, Threads = 1 });
    }

    [Theory]
    // All updates are plain ones, which go a token at a time without tensors in between; or one is of another kind.
    [InlineData(false, 3), InlineData(false, 8), InlineData(true, 3)]
    public void Each_answer_is_that_of_its_prompt_and_adapter_alone(bool mixed, int batchSize)
    {
        using var model = Model();
        using var many = model.HoldAdapters();
        foreach (var name in new[] { "maths", "code", "lengths" }) many.Add(name, folder.At(name));
        // Two leave their batch before the others: the context of 256 tokens is full.
        int[] Prompt(int length) => [.. Enumerable.Range(0, length).Select(i => 3 + (7 * i + length) % 300)];
        int[][] prompts = [Prompt(12), Prompt(12), Prompt(12), Prompt(250), Prompt(5), Prompt(30), Prompt(252), Prompt(31)];
        string?[] adapters = ["maths", null, "code", "code", mixed ? "lengths" : "maths", null, "maths", "code"];
        var options = new GenerationOptions { MaxNewTokens = 16 };
        many.Use("code");
        var together = model.GenerateBatch(prompts, adapters, options, batchSize, cancellation: TestContext.Current.CancellationToken);
        // What was chosen before is chosen again.
        Assert.Equal(["code"], many.Chosen.Stack);
        Assert.Contains(together, t => t.Finish != together[0].Finish);
        for (var i = 0; i < prompts.Length; i++)
        {
            many.Use(adapters[i] is { } name ? [name] : []);
            var alone = model.GenerateBatch([prompts[i]], options, cancellation: TestContext.Current.CancellationToken).Single();
            Assert.Equal(alone.Ids, together[i].Ids);
            Assert.Equal((alone.Text, alone.Finish), (together[i].Text, together[i].Finish));
        }
        // The adapters do say something else.
        Assert.Equal(3, together.Take(3).Select(t => string.Join(' ', t.Ids)).Distinct().Count());
    }

    [Fact]
    public void What_does_not_fit_is_told_before_anything_is_computed()
    {
        using var model = Model();
        int[][] prompts = [[3, 4], [5]];
        Assert.Contains("holds no adapters by name", Assert.Throws<ArgumentException>(() => model.GenerateBatch(prompts, [null, null])).Message, StringComparison.Ordinal);
        using var many = model.HoldAdapters();
        many.Add("maths", folder.At("maths"));
        many.Use("maths");
        Assert.Contains("There are 2 prompts and 1 adapters", Assert.Throws<ArgumentException>(() => model.GenerateBatch(prompts, ["maths"])).Message, StringComparison.Ordinal);
        Assert.Contains("There is no adapter called poems; there are maths", Assert.Throws<ArgumentException>(() => model.GenerateBatch(prompts, ["maths", "poems"])).Message, StringComparison.Ordinal);
        Assert.Equal(["maths"], many.Chosen.Stack);
    }
}
