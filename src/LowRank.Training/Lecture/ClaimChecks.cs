using LowRank.Training.Lecture.Advanced;
using LowRank.Training.Lecture.Choosing;
using LowRank.Training.Lecture.Memory;
using LowRank.Training.Lecture.Mistakes;
using LowRank.Training.Lecture.Principle;
using LowRank.Training.Lecture.Qlora;
using LowRank.Training.Lecture.Tools;
using LowRank.Training.Lecture.Tuning;

namespace LowRank.Training.Lecture;

/// <summary>The checks of all claims that can be computed; a claim without one is open.</summary>
internal static class ClaimChecks
{
    /// <summary>All of them, in the lecture's order.</summary>
    public static IReadOnlyList<IClaimCheck> All { get; } =
    [
        new FewDirections(), new ScaledUpdate(), new FewerParameters(), new CompressedImage(), new FrozenBaseKept(), new UsualRanks(), new MergedLogits(),
        new RankStrength(), new RankByNeed(), new AlphaStrength(), new TargetChoice(),
        new QloraParts(), new QuarterOfMemory(), new QualityKept(), new MethodTable(),
        new TrainableFormula(), new QueryValueCount(), new LoraBill(), new QloraBill(), new FullBill(),
        new LoraChosen(), new QloraChosen(), new RankByExamples(), new UpgradeFromQlora(), new SmallRankFirst(), new StableAlpha(), new QueryValueFirst(), new Headroom(),
        new RankMistake(), new AlphaMistake(), new SlowInference(), new TargetMistake(), new BaseMistake(),
        new DirectionAndLength(), new SharedRanks(), new PlusRatio(), new ManyAtOnce(),
        new PeftFiles(), new Savings(), new FactorySettings(), new MemoryWatched(), new TrackedRun(),
    ];

    /// <summary>The check of a claim, or null.</summary>
    public static IClaimCheck? For(string id) => All.FirstOrDefault(c => c.Id == id);
}
