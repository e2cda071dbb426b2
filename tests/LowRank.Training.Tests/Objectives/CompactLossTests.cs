using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Objectives;

/// <summary>A batch without padding and repeated beginnings has the loss and the gradients of the batch as it is.</summary>
public sealed class CompactLossTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Longer than the window of 32 tokens of families that have one; the beginnings reach beyond it, too.
    private static Batch Rows()
    {
        var random = new Random(5);
        int[] Text(int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(3, TinyModel.Vocabulary))];
        var (system, question) = (Text(40), Text(30));
        Example Row(params int[][] parts)
        {
            int[] ids = [.. parts.SelectMany(p => p)];
            // The answer is what follows the last part's beginning: its first token is predicted by a shared one.
            return new Example(ids, [.. ids.Select((_, t) => t >= ids.Length - parts[^1].Length && t > 0)]);
        }
        Example[] rows = [Row(system, Text(5)), Row(system, question, Text(9)), Row(system, Text(50)), Row(system, question, Text(3)), Row(Text(12)), Row(system, question, Text(40))];
        return EpochSampler.OneEpoch(rows, new BatchOptions { BatchSize = rows.Length, Shuffle = false }).Single();
    }

    [Theory]
    [InlineData("llama", 0), InlineData("llama", 1), InlineData("qwen3", 0), InlineData("gemma2", 0), InlineData("gemma3_text", 1), InlineData("mistral", 0), InlineData("mixtral", 0), InlineData("gpt2", 0),
     InlineData("phi3", 0), InlineData("smollm3", 0), InlineData("stablelm", 0), InlineData("starcoder2", 0), InlineData("olmo2", 0), InlineData("granite", 0)]
    public void Loss_and_gradients_are_those_of_the_batch(string family, int checkpointed)
    {
        using var model = ModelLoader.Load(family == "llama" ? TinyModel.Create(folder.At("model")) : TinyFamily.Create(family, folder.At("model")), new ModelLoadOptions { Threads = 1 });
        using var adapter = AdapterInjector.Attach(model.Decoder.Slots, new LoraConfig { Rank = 4, Alpha = 4, TargetModules = ModulePattern.Parse("all-linear"), Initialization = LoraInitialization.Random }, model.Decoder.Spec.ModelType, seed: 1);
        using var flat = new FlatParameters(adapter.Parameters);
        var batch = Rows();
        Assert.True(CompactBatch.Of([batch])!.Length < 0.6 * batch.Tokens);
        (double, float[]) Pass(bool isCompact)
        {
            flat.ZeroGradients();
            var loss = CausalLoss.Backward(model.Decoder, batch, 1.0 / batch.SupervisedTokens, checkpointed, 0, null, isCompact);
            return (loss, MemoryMarshal.Cast<byte, float>(flat.Gradients.bytes).ToArray());
        }
        var ((wantLoss, want), (gotLoss, got)) = (Pass(false), Pass(true));
        // Sums of fp32 in another order: a few units of the seventh digit of the largest terms, over some hundred tokens.
        Assert.Equal(wantLoss, gotLoss, 1e-5 * wantLoss);
        var largest = want.Max(Math.Abs);
        Assert.True(largest > 1e-4, $"{largest}");
        Near.All(want, got, 5e-6 * largest, family);
        Assert.Equal(wantLoss, CausalLoss.Evaluate(model.Decoder, batch), 1e-5 * wantLoss);
        Assert.Equal(wantLoss, CausalLoss.EvaluateEach(model.Decoder, batch).Sum(), 1e-5 * wantLoss);
    }

    // The mask that attention by operations of tensors reads says the same as the ranges of keys.
    [Fact]
    public void The_mask_says_what_the_ranges_say()
    {
        using var scope = NewDisposeScope();
        var compact = CompactBatch.Of([Rows()])!;
        using var input = LowRank.Models.Decoder.DecoderInput.Compact(compact.InputIds, compact.Positions, compact.Starts, compact.Shared, compact.Rows, CPU);
        foreach (int? window in new int?[] { null, 32 })
        {
            var (mask, seen) = (input.Layout.Mask(window)!.data<float>().ToArray(), input.Layout.Seen(window)!);
            for (var q = 0; q < compact.Length; q++)
                for (var k = 0; k < compact.Length; k++)
                    Assert.Equal((k <= q && k >= seen.First[q]) || (k >= seen.SharedStart![q] && k < seen.SharedEnd![q]), mask[q * compact.Length + k] == 0);
        }
    }

    // Noise and dropout follow the places of a batch, and adapters of rows their numbers: there the batch stays as it is.
    [Fact]
    public void Where_places_count_a_batch_stays_as_it_is()
    {
        using var model = ModelLoader.Load(TinyModel.Create(folder.At("model")), new ModelLoadOptions { Threads = 1 });
        var batch = Rows();
        long Width(Models.Decoder.EmbeddingNoise? noise = null)
        {
            using var input = BatchInput.Of(model.Decoder, batch, noise);
            return input.Decoder.Ids.shape[1];
        }
        Assert.NotEqual(batch.Length, Width());
        Assert.Equal(batch.Length, Width(new(5, 1, 1, 0)));
        using (var adapter = model.Attach(new LoraConfig { Rank = 4, Alpha = 4, Dropout = 0.1, TargetModules = ["q_proj"] }))
        {
            Assert.NotEqual(batch.Length, Width());
            using (adapter.Dropout.Activate(0, 0, 0)) Assert.Equal(batch.Length, Width());
        }
        model.Detach();
        var many = model.HoldAdapters();
        foreach (var name in (string[])["a", "b"]) many.Add(name, new LoraConfig { Rank = 4, Alpha = 4, TargetModules = ["q_proj"] });
        many.UseRows(["a", "b", "a", "b", "a", "b"]);
        Assert.Equal(batch.Length, Width());
    }
}
