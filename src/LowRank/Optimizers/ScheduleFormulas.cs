namespace LowRank.Optimizers;

/// <summary>
/// The factor of the full rate in a step, kind by kind. Every operation is in the order of transformers' Python, so that results agree to
/// the last bits; what it does past the last step (a cosine rises again) is kept too.
/// </summary>
internal static class ScheduleFormulas
{
    public static double Factor(LearningRateSchedule s, int step, int warmup, int total, double rate) => s.Kind switch
    {
        LearningRateScheduleKind.Constant => 1,
        LearningRateScheduleKind.WarmupStableDecay => WarmupStableDecay(s, step, warmup, total, rate),
        LearningRateScheduleKind.CosineWarmupWithMinLr => CosineWarmupWithMin(s, step, warmup, total, rate),
        _ when step < warmup => (double)step / Math.Max(1, warmup),
        LearningRateScheduleKind.ConstantWithWarmup => 1,
        LearningRateScheduleKind.Linear => Math.Max(0, (double)(total - step) / Math.Max(1, total - warmup)),
        LearningRateScheduleKind.Cosine => Math.Max(0, Cosine(s.Cycles ?? 0.5, Progress(step, warmup, total))),
        LearningRateScheduleKind.CosineWithRestarts => Restarts(s.Cycles ?? 1, Progress(step, warmup, total)),
        LearningRateScheduleKind.CosineWithMinLr => Math.Max(0, Raise(Cosine(s.Cycles ?? 0.5, Progress(step, warmup, total)), Least(s, rate))),
        LearningRateScheduleKind.Polynomial => Polynomial(s, step, warmup, total, rate),
        LearningRateScheduleKind.InverseSqrt => InverseSqrt(s, step, warmup),
        _ => throw new ArgumentOutOfRangeException(nameof(s), s.Kind, "unknown kind of schedule"),
    };

    private static double Progress(int step, int warmup, int total) => (double)(step - warmup) / Math.Max(1, total - warmup);

    private static double Cosine(double cycles, double progress) => 0.5 * (1.0 + Math.Cos(Math.PI * cycles * 2.0 * progress));

    private static double Restarts(double cycles, double progress) =>
        progress >= 1.0 ? 0 : Math.Max(0, 0.5 * (1.0 + Math.Cos(Math.PI * (cycles * progress % 1.0))));

    private static double Raise(double factor, double least) => factor * (1 - least) + least;

    private static double Least(LearningRateSchedule s, double rate) => s.MinLearningRate is { } min ? min / rate : s.MinLearningRateRatio ?? 0;

    private static double Polynomial(LearningRateSchedule s, int step, int warmup, int total, double rate)
    {
        // A run that is all warm-up would divide by zero in its last step.
        if (step > total || total == warmup) return s.EndLearningRate / rate;
        var remaining = 1 - (double)(step - warmup) / (total - warmup);
        return ((rate - s.EndLearningRate) * Math.Pow(remaining, s.Power) + s.EndLearningRate) / rate;
    }

    private static double InverseSqrt(LearningRateSchedule s, int step, int warmup)
    {
        var scale = s.TimeScale ?? (warmup > 0 ? warmup : 10_000);
        return 1.0 / Math.Sqrt((double)(step + (scale - warmup)) / scale);
    }

    private static double CosineWarmupWithMin(LearningRateSchedule s, int step, int warmup, int total, double rate)
    {
        if (step < warmup)
            return s.WarmupLearningRateRatio is { } first ? first + (1.0 - first) * step / Math.Max(1, warmup - 1) : (step + 1.0) / Math.Max(1, warmup);
        var progress = (step - warmup + 1.0) / Math.Max(1, total - warmup);
        return Math.Max(0, Raise(Cosine(s.Cycles ?? 0.5, progress), Least(s, rate)));
    }

    private static double WarmupStableDecay(LearningRateSchedule s, int step, int warmup, int total, double rate)
    {
        var least = Least(s, rate);
        var decay = s.DecaySteps ?? (int)Math.Ceiling(total * 0.1);
        var stable = s.StableSteps ?? total - warmup - decay;
        if (step < warmup)
        {
            var progress = (double)step / Math.Max(1, warmup);
            return Math.Max(0, Raise(s.WarmupShape switch
            {
                ScheduleShape.Linear => progress,
                ScheduleShape.Cosine => 0.5 * (1.0 - Math.Cos(Math.PI * progress)),
                _ => 1.0 - Math.Sqrt(1.0 - progress),
            }, least));
        }
        if (step < warmup + stable) return 1;
        if (step >= warmup + stable + decay) return least;
        var fallen = (double)(step - warmup - stable) / Math.Max(1, decay);
        return Math.Max(0, Raise(s.DecayShape switch
        {
            ScheduleShape.Linear => 1.0 - fallen,
            ScheduleShape.Cosine => Cosine(s.Cycles ?? 0.5, fallen),
            _ => 1.0 - Math.Sqrt(fallen),
        }, least));
    }
}
