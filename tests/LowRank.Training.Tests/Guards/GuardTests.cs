using LowRank.Adapters;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Guards;

namespace LowRank.Training.Tests.Guards;

/// <summary>Guards by the numbers: where each begins to speak, and what it says.</summary>
public sealed class GuardTests
{
    private static AdapterTarget Target(string name, int rank, double scaling = 1, long rows = 4096, long columns = 4096) =>
        new(new AdaptableModule($"model.layers.0.{name}", ModuleKind.Linear, columns, rows, false), rank, scaling * rank, scaling);

    private static GuardedRun Run(string method = "lora", double rate = 2e-4, long width = 4096, int examples = 500, long tokens = 50_000, params AdapterTarget[] targets) => new()
    {
        Method = method,
        LearningRate = rate,
        HiddenSize = width,
        BaseParameters = 7_000_000_000,
        TrainableParameters = targets.Sum(t => t.Rank * (t.Module.InFeatures + t.Module.OutFeatures)),
        Targets = targets,
        QueryAndValue = ["q_proj", "v_proj"],
        Examples = [.. Enumerable.Repeat(new Example([1, 2], [false, true]), examples)],
        SupervisedTokens = tokens,
    };

    [Theory]
    [InlineData("lora", 2e-4, 4096, true), InlineData("lora", 1e-5, 4096, true), InlineData("lora", 9e-6, 4096, false), InlineData("lora", 4.9e-3, 4096, true), InlineData("lora", 5e-3, 4096, false)]
    [InlineData("qlora", 1e-6, 4096, false), InlineData("lora", 5e-3, 128, true), InlineData("lora", 4e-2, 128, false), InlineData("lora", 0, 4096, false)]
    [InlineData("full", 2e-5, 4096, true), InlineData("full", 1.9e-4, 4096, true), InlineData("full", 2e-4, 4096, false), InlineData("full", 2e-4, 576, true), InlineData("full", 1e-8, 4096, false)]
    public void Learning_rates(string method, double rate, long width, bool fits) => Assert.Equal(fits, new LearningRateUnfit().Before(Run(method, rate, width)) is null);

    [Theory]
    [InlineData(0.5, false, true), InlineData(4, false, true), InlineData(0.49, false, false), InlineData(4.01, false, false)]
    [InlineData(0.25, true, true), InlineData(8, true, true), InlineData(8.1, true, false), InlineData(0.2, true, false)]
    public void Scalings(double scaling, bool rslora, bool isUsual) =>
        Assert.Equal(isUsual, new AlphaUnusual().Before(Run(targets: [Target("q_proj", 16), Target("v_proj", 16, scaling)]) with { UsesRslora = rslora }) is null);

    [Fact]
    public void The_farthest_scaling_is_named() =>
        Assert.Contains("Alpha 256 at rank 16 scales the update by 16 (alpha/r), outside of 0.5 to 4: model.layers.0.v_proj.",
            new AlphaUnusual().Before(Run(targets: [Target("q_proj", 16, 5), Target("v_proj", 16, 16)]))!.Message, StringComparison.Ordinal);

    // The lecture's C3 with its tolerance, and the capacity rule.
    [Theory]
    [InlineData(16, 999, 50_000, true), InlineData(32, 999, 50_000, false), InlineData(32, 999, 400_000, true)]
    [InlineData(32, 1_000, 50_000, true), InlineData(64, 10_000, 50_000, false), InlineData(128, 10_001, 50_000, true), InlineData(256, 10_001, 50_000, false)]
    public void Ranks_by_data(int rank, int examples, long tokens, bool fits) =>
        Assert.Equal(fits, new RankTooHigh().Before(Run(examples: examples, tokens: tokens, targets: Target("q_proj", rank))) is null);

    [Fact]
    public void A_pair_as_large_as_its_matrix()
    {
        Assert.Null(new RankTooHigh().Before(Run(tokens: 1_000_000_000, targets: Target("k_proj", 799, rows: 1024))));
        Assert.Contains("820 the pair for model.layers.0.k_proj [1024, 4096] has 4,198,400 parameters, no fewer than the matrix itself (4,194,304)",
            new RankTooHigh().Before(Run(tokens: 1_000_000_000, targets: Target("k_proj", 820, rows: 1024)))!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rank_that_alone_exceeds_the_memory()
    {
        // 1000 modules of rank 16: 131 M parameters, 2.1 GB with gradients and moments; rank 8 needs half.
        var run = Run(tokens: 1_000_000_000, targets: [.. Enumerable.Repeat(Target("q_proj", 16), 1000)]);
        Assert.Null(new RankTooHigh().Before(run with { NeededBytes = 8_000_000_000, UsableBytes = 10_000_000_000 }));
        Assert.Contains("planned peak to 8.90 GB, more than 80 % of the 10.00 GB", new RankTooHigh().Before(run with { NeededBytes = 8_900_000_000, UsableBytes = 10_000_000_000 })!.Message, StringComparison.Ordinal);
        // Here a small rank would not help either.
        Assert.Null(new RankTooHigh().Before(run with { NeededBytes = 9_500_000_000, UsableBytes = 10_000_000_000 }));
    }

    [Fact]
    public void More_modules_than_few_rows_need()
    {
        AdapterTarget[] all = [Target("q_proj", 16), Target("v_proj", 16), .. Enumerable.Repeat(Target("up_proj", 16), 10)];
        Assert.Contains("q and v alone would train 262,144 parameters instead of 1,572,864 and need 21 MB less", new TargetsExceedNeed().Before(Run(examples: 50, tokens: 500, targets: all))!.Message, StringComparison.Ordinal);
        Assert.Null(new TargetsExceedNeed().Before(Run(examples: 200, tokens: 500, targets: all)));
        Assert.Null(new TargetsExceedNeed().Before(Run(examples: 50, tokens: 20_000, targets: all)));
        Assert.Null(new TargetsExceedNeed().Before(Run(examples: 50, tokens: 500, targets: all[..2])));
        Assert.Null(new TargetsExceedNeed().Before(Run(examples: 50, tokens: 500, targets: all[..4])));
        AdapterTarget[] small = [.. all.Select(t => t with { Rank = 8 })];
        Assert.Contains("more than 80 %", new TargetsExceedNeed().Before(Run(targets: small) with { NeededBytes = 810_000_000, UsableBytes = 1_000_000_000 })!.Message, StringComparison.Ordinal);
    }

    // One of the three tells of memory: the rank, else the modules, else the run as a whole.
    [Theory]
    [InlineData(16, 801, "rank-too-high"), InlineData(8, 801, "targets-exceed-need"), InlineData(8, 850, "memory-tight"), InlineData(16, 850, "memory-tight"), InlineData(8, 800, null)]
    public void Memory_is_told_of_once(int rank, long megabytes, string? id)
    {
        var run = Run(tokens: 1_000_000_000, targets: [Target("q_proj", rank), Target("v_proj", rank), .. Enumerable.Repeat(Target("up_proj", rank), 10)]) with { NeededBytes = megabytes * 1_000_000, UsableBytes = 1_000_000_000 };
        IGuard[] guards = [new RankTooHigh(), new TargetsExceedNeed(), new MemoryTight()];
        Assert.Equal(id is null ? [] : [id], guards.Where(g => g.Before(run) is not null).Select(g => g.Id));
    }

    [Fact]
    public void With_LoraPlus_the_rate_is_that_of_A() => Assert.Null(new LearningRateUnfit().Before(Run(rate: 5e-6) with { RateRatio = 16 }));

    [Theory]
    [InlineData("lora", 80_000_000, 0, true, false), InlineData("lora", 800_000_000, 0, false, false), InlineData("lora", 800_000_000, 790_000_000, false, true), InlineData("full", 7_000_000_000, 7_000_000_000, true, false)]
    public void Shares_of_the_base(string method, long trained, long whole, bool isFine, bool isError)
    {
        var finding = new BaseTrainable().Before(Run(method) with { TrainableParameters = trained, WholeParameters = whole });
        Assert.Equal((isFine, isError), (finding is null, finding?.IsError ?? false));
    }

    [Fact]
    public void Nothing_to_learn_is_an_error() => Assert.True(new NothingSupervised().Before(Run(tokens: 0))!.IsError);

    private static StepCompleted Step(long step, double loss, long tokens = 200, double norm = 1) => new()
    {
        Step = step, Loss = loss, LearningRate = 1e-4, GradientNorm = norm, Epoch = 0, Tokens = tokens, SupervisedTokens = tokens, TokensPerSecond = 1, ResidentBytes = 1, PeakBytes = 1,
    };

    private static long? DivergesAt(IEnumerable<double> losses, long tokens = 200)
    {
        var guard = new LossDiverges();
        var step = 0L;
        foreach (var loss in losses)
            if (guard.During(Step(++step, loss, tokens), Run()) is not null) return step;
        return null;
    }

    [Fact]
    public void Divergence_is_seen_five_steps_after_it_begins()
    {
        Assert.Equal(7, DivergesAt([2.0, 2.1, 5, 7, 8, 8, 7, 7]));
        // Learned first, lost later: back above the beginning is not asked for.
        Assert.Equal(24, DivergesAt([.. Enumerable.Range(0, 19).Select(i => 4.0 - 0.2 * i), 4, 4.5, 5, 6, 6, 6]));
        Assert.Null(DivergesAt([2.0, 2.1, 5, 7, 8, 2.2, 8, 9]));
    }

    // Losses of batches as they come: few tokens, some rows far harder than others, and a slow fall. 200 runs of 300 steps.
    [Theory]
    [InlineData(1), InlineData(3), InlineData(20), InlineData(500)]
    public void Noise_is_no_divergence(int tokens)
    {
        var random = new Random(5);
        for (var run = 0; run < 200; run++)
            Assert.Null(DivergesAt(Enumerable.Range(0, 300).Select(i => Math.Max(0, 2 * Math.Exp(-i / 100.0) + Enumerable.Range(0, tokens).Average(_ => -2 * Math.Log(1 - random.NextDouble())) - 2 + 0.05)), tokens));
    }

    private static long? OverfitsAt(params (double Trained, double HeldOut)[] course)
    {
        var guard = new Overfitting();
        for (var i = 0; i < course.Length; i++)
        {
            Assert.Null(guard.During(Step(i, course[i].Trained), Run()));
            if (guard.During(new EvaluationCompleted { Loss = course[i].HeldOut, IsBest = false, Step = i }, Run()) is not null) return i;
        }
        return null;
    }

    [Fact]
    public void Overfitting_is_a_rise_over_two_evaluations_while_training_falls()
    {
        Assert.Equal(3, OverfitsAt((3, 3), (2, 2.5), (1, 2.7), (0.5, 2.9), (0.2, 3.2)));
        Assert.Null(OverfitsAt((3, 3), (2, 2.5), (1, 2.7), (0.9, 2.51), (0.8, 2.7), (0.7, 2.45)));
        Assert.Null(OverfitsAt((3, 3), (2, 2.5), (1.99, 2.51), (1.98, 2.52), (1.97, 2.53)));
        // Both rise: that is divergence.
        Assert.Null(OverfitsAt((3, 3), (2, 2.5), (2.7, 2.7), (3, 2.9), (3.5, 3.2)));
    }

    [Fact]
    public void A_gradient_of_zero_with_a_loss()
    {
        var guard = new ZeroGradients();
        Assert.Null(guard.During(Step(1, 2, norm: 0), Run()));
        Assert.Null(guard.During(Step(2, 2, norm: 0), Run()));
        Assert.NotNull(guard.During(Step(3, 2, norm: 0), Run()));
        var learned = new ZeroGradients();
        for (var i = 0; i < 10; i++) Assert.Null(learned.During(Step(i, 0, norm: 0), Run()));
    }

    [Theory]
    [InlineData(44, 50, true), InlineData(45, 50, false), InlineData(80, 50, false)]
    public void Speeds_of_a_4_bit_base(double fourBit, double sixteenBit, bool isSlow) => Assert.Equal(isSlow, SlowFourBitInference.Judge(new DecodingSpeed(fourBit, sixteenBit)) is not null);
}
