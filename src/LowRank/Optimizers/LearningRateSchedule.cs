namespace LowRank.Optimizers;

/// <summary>
/// The learning rate of each step, with the formulas of transformers 5 (<c>optimization.py</c>, <c>get_scheduler</c>) in double precision.
/// It holds settings and no state: the rate is a function of the step, so a resumed run has the rates of the unbroken one. Immutable.
/// </summary>
public sealed record LearningRateSchedule
{
    private static readonly (LearningRateScheduleKind Kind, string Name)[] KindNames =
    [
        (LearningRateScheduleKind.Linear, "linear"),
        (LearningRateScheduleKind.Cosine, "cosine"),
        (LearningRateScheduleKind.CosineWithRestarts, "cosine_with_restarts"),
        (LearningRateScheduleKind.Polynomial, "polynomial"),
        (LearningRateScheduleKind.Constant, "constant"),
        (LearningRateScheduleKind.ConstantWithWarmup, "constant_with_warmup"),
        (LearningRateScheduleKind.InverseSqrt, "inverse_sqrt"),
        (LearningRateScheduleKind.CosineWithMinLr, "cosine_with_min_lr"),
        (LearningRateScheduleKind.CosineWarmupWithMinLr, "cosine_warmup_with_min_lr"),
        (LearningRateScheduleKind.WarmupStableDecay, "warmup_stable_decay"),
    ];

    /// <summary>The names that <see cref="Parse"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. KindNames.Select(k => k.Name)];

    /// <summary>The course. Default linear, as in transformers.</summary>
    public LearningRateScheduleKind Kind { get; init; }

    /// <summary>The name that transformers gives to <see cref="Kind"/>.</summary>
    public string Name => KindNames[(int)Kind].Name;

    /// <summary>The number of steps in which the rate rises from 0. Default 0. Above 0 it takes precedence over <see cref="WarmupRatio"/>.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>The share of all steps in which the rate rises, rounded up. Default 0, in [0, 1].</summary>
    public double WarmupRatio { get; init; }

    /// <summary>Waves of the cosine kinds: default 0.5 (one fall), or for <see cref="LearningRateScheduleKind.CosineWithRestarts"/> 1 (the number of falls).</summary>
    public double? Cycles { get; init; }

    /// <summary>The last rate of <see cref="LearningRateScheduleKind.Polynomial"/>. Default 1e-7.</summary>
    public double EndLearningRate { get; init; } = 1e-7;

    /// <summary>The power of <see cref="LearningRateScheduleKind.Polynomial"/>. Default 1.</summary>
    public double Power { get; init; } = 1;

    /// <summary>The least rate of the kinds with one. Default null: <see cref="MinLearningRateRatio"/> says it.</summary>
    public double? MinLearningRate { get; init; }

    /// <summary>The least rate as a share of the full one. Default null: 0 where a schedule does not need it.</summary>
    public double? MinLearningRateRatio { get; init; }

    /// <summary>The first share of the full rate in <see cref="LearningRateScheduleKind.CosineWarmupWithMinLr"/>. Default null: one step of the line.</summary>
    public double? WarmupLearningRateRatio { get; init; }

    /// <summary>The steps of the fall of <see cref="LearningRateScheduleKind.WarmupStableDecay"/>. Default null: a tenth of all steps, rounded up.</summary>
    public int? DecaySteps { get; init; }

    /// <summary>The steps at the full rate of <see cref="LearningRateScheduleKind.WarmupStableDecay"/>. Default null: what warm-up and fall leave.</summary>
    public int? StableSteps { get; init; }

    /// <summary>The curve of the warm-up of <see cref="LearningRateScheduleKind.WarmupStableDecay"/>. Default linear.</summary>
    public ScheduleShape WarmupShape { get; init; } = ScheduleShape.Linear;

    /// <summary>The curve of the fall of <see cref="LearningRateScheduleKind.WarmupStableDecay"/>. Default cosine.</summary>
    public ScheduleShape DecayShape { get; init; } = ScheduleShape.Cosine;

    /// <summary>The number of steps after which <see cref="LearningRateScheduleKind.InverseSqrt"/> begins to fall. Default null: the warm-up, or 10,000 without one.</summary>
    public int? TimeScale { get; init; }

    /// <summary>A schedule by its name in transformers.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="LowRankException">There is no schedule of that name.</exception>
    public static LearningRateSchedule Parse(string name)
    {
        var known = Array.Find(KindNames, k => k.Name == name);
        return known.Name is not null ? new LearningRateSchedule { Kind = known.Kind }
            : throw new LowRankException($"\"{name}\" is no learning rate schedule; there are {string.Join(", ", Names)}.");
    }

    /// <summary>The number of warm-up steps of a run.</summary>
    /// <param name="totalSteps">Optimizer steps of the whole run.</param>
    public int WarmupOf(int totalSteps) => WarmupSteps > 0 ? WarmupSteps : (int)Math.Ceiling(totalSteps * WarmupRatio);

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">The optimizer step, counted from 0.</param>
    /// <param name="totalSteps">Optimizer steps of the whole run.</param>
    /// <param name="learningRate">The full rate.</param>
    public double At(int step, int totalSteps, double learningRate) =>
        learningRate * ScheduleFormulas.Factor(this, step, WarmupOf(totalSteps), totalSteps, learningRate);

    /// <summary>Checks the settings.</summary>
    /// <param name="learningRate">The full rate with which the schedule will be used.</param>
    /// <exception cref="LowRankException">Settings are out of range, missing or contradict each other; all are listed.</exception>
    public void Validate(double learningRate)
    {
        var problems = new List<string>();
        if (WarmupSteps < 0) problems.Add($"warm-up steps: {WarmupSteps} must be at least 0");
        if (WarmupRatio is not (>= 0 and <= 1)) problems.Add($"warm-up ratio: {WarmupRatio} must be from 0 to 1");
        if (Cycles is not (null or > 0)) problems.Add($"cycles: {Cycles} must be above 0");
        if (DecaySteps < 0) problems.Add($"decay steps: {DecaySteps} must be at least 0");
        if (StableSteps < 0) problems.Add($"stable steps: {StableSteps} must be at least 0");
        if (TimeScale < 1) problems.Add($"time scale: {TimeScale} must be at least 1");
        if (MinLearningRate is not null && MinLearningRateRatio is not null) problems.Add("least learning rate: give it as a rate or as a ratio, not both");
        if (MinLearningRateRatio is not (null or (>= 0 and <= 1))) problems.Add($"least learning rate: the ratio {MinLearningRateRatio} must be from 0 to 1");
        if (Kind is LearningRateScheduleKind.CosineWithMinLr or LearningRateScheduleKind.CosineWarmupWithMinLr && MinLearningRate is null && MinLearningRateRatio is null)
            problems.Add($"least learning rate: {Name} needs it, as a rate or as a ratio");
        if (Kind == LearningRateScheduleKind.Polynomial && !(learningRate > EndLearningRate))
            problems.Add($"end learning rate: {EndLearningRate} must be below the learning rate {learningRate}");
        if (problems.Count > 0) throw new LowRankException($"The learning rate schedule {Name} cannot be used:\n  - {string.Join("\n  - ", problems)}");
    }
}
