using System.Text.Json.Nodes;
using LowRank.Optimizers;
using LowRank.Testing;

namespace LowRank.Tests.Optimizers;

public sealed class LearningRateScheduleTests
{
    private static JsonNode? Reference() =>
        Golden.At("models", "training", "schedulers.json") is var path && File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) : null;

    public static IEnumerable<TheoryDataRow<string>> Schedules =>
        Golden.Cases("models/training/schedulers", Reference()?["schedules"]!.AsObject().Select(s => s.Key) ?? []);

    [Theory, MemberData(nameof(Schedules)), Trait("Category", "Golden")]
    public void Every_step_has_the_rate_of_transformers(string name)
    {
        var golden = Reference()!;
        var one = golden["schedules"]![name]!;
        var rate = golden["learning_rate"]!.GetValue<double>();
        var total = golden["steps"]!.GetValue<int>();
        var schedule = LearningRateSchedule.Parse(one["schedule"]!.GetValue<string>()) with { WarmupSteps = golden["warmup_steps"]!.GetValue<int>() };
        foreach (var (argument, value) in one["arguments"]!.AsObject()) schedule = With(schedule, argument, value!);
        schedule.Validate(rate);
        var rates = one["lr"]!.AsArray();
        for (var step = 0; step < rates.Count; step++)
        {
            var want = rates[step]!.GetValue<double>();
            // The same double operations in the same order; cos and pow of another C library may differ in the last bit.
            Assert.True(Math.Abs(schedule.At(step, total, rate) - want) <= 1e-12 * Math.Abs(want), $"step {step}: {schedule.At(step, total, rate):R}, want {want:R}");
        }
    }

    [Fact]
    public void Warm_up_is_given_in_steps_or_as_a_share_rounded_up()
    {
        Assert.Equal(0, new LearningRateSchedule().WarmupOf(100));
        Assert.Equal(4, new LearningRateSchedule { WarmupRatio = 0.03 }.WarmupOf(101));
        Assert.Equal(7, new LearningRateSchedule { WarmupRatio = 0.03, WarmupSteps = 7 }.WarmupOf(101));
    }

    [Fact]
    public void Every_kind_has_a_name_and_finite_rates()
    {
        Assert.Equal(Enum.GetValues<LearningRateScheduleKind>().Length, LearningRateSchedule.Names.Count);
        foreach (var name in LearningRateSchedule.Names)
        {
            var schedule = LearningRateSchedule.Parse(name);
            Assert.Equal(name, schedule.Name);
            foreach (var (steps, warmup) in new[] { (1, 0), (1, 1), (5, 5), (5, 9), (20, 3) })
                for (var step = 0; step <= steps + 1; step++)
                    Assert.InRange((schedule with { WarmupSteps = warmup }).At(step, steps, 1e-3), 0, 1e-3 * (1 + 1e-12));
        }
    }

    [Theory]
    [InlineData(ScheduleShape.Linear, 0.5, 0.75)]
    [InlineData(ScheduleShape.Cosine, 0.5, 0.85355339059327373)]
    [InlineData(ScheduleShape.OneMinusSqrt, 0.29289321881345254, 0.5)]
    public void Warm_up_and_fall_have_shapes(ScheduleShape shape, double middleOfWarmup, double quarterOfFall)
    {
        var schedule = new LearningRateSchedule { Kind = LearningRateScheduleKind.WarmupStableDecay, WarmupSteps = 4, DecaySteps = 8, WarmupShape = shape, DecayShape = shape };
        Assert.Equal(middleOfWarmup, schedule.At(2, 20, 1), 14); // 1 - √x loses the last bit
        Assert.Equal(1, schedule.At(11, 20, 1));
        Assert.Equal(quarterOfFall, schedule.At(14, 20, 1), 15);
    }

    [Fact]
    public void Wrong_settings_are_told_together()
    {
        Assert.Contains("there are linear, cosine, ", Assert.Throws<LowRankException>(() => LearningRateSchedule.Parse("cosin")).Message, StringComparison.Ordinal);
        var error = Assert.Throws<LowRankException>(() => new LearningRateSchedule { Kind = LearningRateScheduleKind.CosineWithMinLr, WarmupRatio = 1.5, WarmupSteps = -1 }.Validate(1e-3));
        foreach (var part in new[] { "cosine_with_min_lr needs it", "warm-up ratio: 1.5", "warm-up steps: -1" }) Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Contains("must be below the learning rate", Assert.Throws<LowRankException>(() => new LearningRateSchedule { Kind = LearningRateScheduleKind.Polynomial }.Validate(1e-8)).Message, StringComparison.Ordinal);
    }

    private static LearningRateSchedule With(LearningRateSchedule schedule, string argument, JsonNode value) => argument switch
    {
        "num_cycles" => schedule with { Cycles = value.GetValue<double>() },
        "lr_end" => schedule with { EndLearningRate = value.GetValue<double>() },
        "power" => schedule with { Power = value.GetValue<double>() },
        "min_lr" => schedule with { MinLearningRate = value.GetValue<double>() },
        "min_lr_rate" or "min_lr_ratio" => schedule with { MinLearningRateRatio = value.GetValue<double>() },
        "warmup_lr_rate" => schedule with { WarmupLearningRateRatio = value.GetValue<double>() },
        "num_decay_steps" => schedule with { DecaySteps = value.GetValue<int>() },
        "num_stable_steps" => schedule with { StableSteps = value.GetValue<int>() },
        "timescale" => schedule with { TimeScale = value.GetValue<int>() },
        "warmup_type" => schedule with { WarmupShape = Shape(value) },
        "decay_type" => schedule with { DecayShape = Shape(value) },
        _ => throw new NotSupportedException($"the reference has an argument {argument} that this test does not pass on"),
    };

    private static ScheduleShape Shape(JsonNode value) => value.GetValue<string>() switch { "linear" => ScheduleShape.Linear, "cosine" => ScheduleShape.Cosine, _ => ScheduleShape.OneMinusSqrt };
}
