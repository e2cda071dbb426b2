using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Runtime.Cuda;
using LowRank.Testing;
using LowRank.Training.Accumulation;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Accumulation;

/// <summary>The gradient of a step that is computed in parts is that of the whole, also where memory ran out in the middle of it.</summary>
public sealed class StepGradientTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static Example[] Rows(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var length = random.Next(4, 20);
            return new Example([.. Enumerable.Range(0, length).Select(_ => random.Next(3, TinyModel.Vocabulary))], [.. Enumerable.Range(0, length).Select(t => t > 1 && random.Next(3) > 0)]);
        })];
    }

    // Losses and gradients of one step, with batches of which more rows than this do not fit.
    private (double Loss, float[] Gradient, List<TrainingEvent> Told, List<int> Seen, List<int> LastPass) Step(BatchLayout layout, int checkpointed, int fitting, OnOutOfMemory policy = OnOutOfMemory.Split)
    {
        using var model = ModelLoader.Load(TinyModel.Create(folder.At("model")), new ModelLoadOptions { Threads = 1 });
        using var adapter = AdapterInjector.Attach(model.Decoder.Slots, new LoraConfig { Rank = 4, Alpha = 4, TargetModules = ModulePattern.Parse("all-linear"), Initialization = LoraInitialization.Random }, model.Decoder.Spec.ModelType, seed: 1);
        using var flat = new FlatParameters(adapter.Parameters);
        var batches = new BatchOptions { BatchSize = 6, Layout = layout, RowLength = 40 };
        Batch[] micro = [.. EpochSampler.OneEpoch(Rows(layout == BatchLayout.Packed ? 30 : 11, 7), batches).Take(2)];
        var scale = 1.0 / micro.Sum(b => b.SupervisedTokens);
        var gradient = new StepGradient(new TrainerOptions { Batches = batches, Accumulate = 2, OnOutOfMemory = policy });
        var (seen, numbers) = (new List<int>(), new List<int>());
        var loss = gradient.Compute(micro, (batch, number) =>
        {
            seen.Add(batch.Rows);
            numbers.Add(number);
            var sum = CausalLoss.Backward(model.Decoder, batch, scale, checkpointed);
            // The gradient is dirty by now, as it is where memory runs out in a backward pass.
            return batch.Rows <= fitting ? new BatchLoss(sum) : throw new ExternalException("CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from malloc at CUDACachingAllocator.cpp");
        }, flat.ZeroGradients).Loss;
        Assert.Equal(Enumerable.Range(0, numbers.Count - numbers.LastIndexOf(0)), numbers[numbers.LastIndexOf(0)..]);
        var told = new List<TrainingEvent>();
        while (gradient.TakeNotice() is { } notice) told.Add(notice);
        return (loss, MemoryMarshal.Cast<byte, float>(flat.Gradients.bytes).ToArray(), told, seen, seen[numbers.LastIndexOf(0)..]);
    }

    [Theory]
    [InlineData(BatchLayout.Padded, 0, 3), InlineData(BatchLayout.Padded, 0, 1), InlineData(BatchLayout.Padded, 2, 2), InlineData(BatchLayout.Packed, 0, 2), InlineData(BatchLayout.Packed, 1, 1)]
    public void The_gradient_in_parts_is_that_of_the_whole(BatchLayout layout, int checkpointed, int fitting)
    {
        var whole = Step(layout, checkpointed, int.MaxValue);
        Assert.Empty(whole.Told);
        var parts = Step(layout, checkpointed, fitting);
        Assert.True(parts.LastPass.Max() <= fitting, string.Join(' ', parts.Seen));
        // Sums of fp32 in another order: a few units of the seventh digit of the largest terms, over some hundred tokens.
        Assert.Equal(whole.Loss, parts.Loss, 1e-5 * whole.Loss);
        var largest = whole.Gradient.Max(Math.Abs);
        Assert.True(largest > 1e-4, $"{largest}");
        for (var i = 0; i < whole.Gradient.Length; i++) Assert.Equal(whole.Gradient[i], parts.Gradient[i], 5e-6 * largest);
    }

    [Fact]
    public void Each_cut_is_told()
    {
        var (_, _, told, seen, _) = Step(BatchLayout.Padded, 0, 2);
        Assert.Equal([2, 4], told.OfType<MicroBatchesSplit>().Select(e => e.Parts));
        var warnings = told.OfType<RunWarning>().Select(w => w.Message).ToList();
        Assert.Equal("Memory does not suffice for micro-batches of 6 rows. CUDA out of memory. Tried to allocate 2.00 GiB. They are computed in 2 parts of at most 3 from here on, with the same gradient; the next run does it at once with --batch 3 --accumulate 4.", warnings[0]);
        Assert.Contains("--batch 2 --accumulate 6", warnings[1], StringComparison.Ordinal);
        // The whole, a half, and then thirds of the first batch and of the second of five rows.
        Assert.Equal([6, 3, 2, 2, 2, 2, 2, 1], seen);
    }

    [Fact]
    public void Stopping_and_single_rows_end_with_what_to_do()
    {
        var stopped = Assert.Throws<LowRankException>(() => Step(BatchLayout.Padded, 0, 3, OnOutOfMemory.Stop));
        Assert.StartsWith("Memory does not suffice for a step: CUDA out of memory. Tried to allocate 2.00 GiB. --on-oom stop asks to end here", stopped.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("CUDACachingAllocator", stopped.Message, StringComparison.Ordinal);
        Assert.True(OutOfMemory.Is(stopped));
        Assert.Contains("One row at a time does not fit either. Take a smaller", Assert.Throws<LowRankException>(() => Step(BatchLayout.Padded, 0, 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_lack_of_memory_is_one()
    {
        Assert.True(OutOfMemory.Is(new OutOfMemoryException()));
        Assert.True(OutOfMemory.Is(new InvalidOperationException("a node failed", new ExternalException("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."))));
        Assert.True(OutOfMemory.Is(new ExternalException("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")));
        Assert.True(OutOfMemory.Is(new CudaException("The CUDA driver refused cuLaunchKernel: out of memory (2).")));
        Assert.False(OutOfMemory.Is(new ExternalException("mat1 and mat2 shapes cannot be multiplied")));
        Assert.False(OutOfMemory.Is(new LowRankException("rows.jsonl:3: the story is out of memory")));
        Assert.False(OutOfMemory.Is(null));
    }

    // libtorch's own words, so that a change of them is noticed: 2^60 bytes are nowhere to be had.
    [Fact]
    public void The_error_of_libtorchs_allocator_is_known() =>
        Assert.True(OutOfMemory.Is(Assert.ThrowsAny<Exception>(() => empty([1L << 58], ScalarType.Float32))));
}
