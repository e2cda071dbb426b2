using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Objectives;

/// <summary>Whole runs on judged answers: they learn to tell good from bad, and an interrupted one ends as the unbroken one.</summary>
public sealed class KtoRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private TrainSettings Settings(string output, string data, string method = "lora") => new()
    {
        Model = new ModelSettings { Model = TinyModel.Create(folder.At("model"), hidden: 64), Threads = 1 },
        Adapter = new AdapterSettings { Method = method, Rank = 4, Dropout = 0.05 },
        Data = new DataSettings { Data = data, Validation = "6" },
        Objective = new ObjectiveSettings { Objective = "kto", Beta = 0.5, UndesirableWeight = 1.1 },
        Optimization = new OptimizationSettings { MaxSteps = 12, Batch = 3, Accumulate = 2, LearningRate = 1e-2, Warmup = 0 },
        Evaluation = new EvaluationSettings { EvalEvery = 4 },
        Output = new OutputSettings { Output = folder.At(output), SaveEvery = 2 },
    };

    private static async Task<List<TrainingEvent>> Run(TrainingRun run, int? stopAfter = null)
    {
        using (run)
        {
            using var stop = new CancellationTokenSource();
            var events = new List<TrainingEvent>();
            await foreach (var e in run.TrainAsync(stop.Token))
            {
                events.Add(e);
                if (e is StepCompleted && e.Step == stopAfter) await stop.CancelAsync();
            }
            return events;
        }
    }

    [Theory]
    [InlineData("judged", "lora"), InlineData("pairs", "qlora")]
    public async Task A_run_learns_what_is_good_and_resumes_exactly(string kind, string method)
    {
        var data = kind == "judged" ? JudgedData.Create(folder.At("judged.jsonl")) : PreferenceData.Create(folder.At("pairs.jsonl"));
        var events = await Run(TrainingRun.Create(Settings("whole", data, method)));
        var steps = events.OfType<StepCompleted>().ToList();
        Assert.True(steps[^3..].Average(s => s.Loss) < steps[..3].Average(s => s.Loss), string.Join(", ", steps.Select(s => s.Loss)));
        Assert.All(steps, s => Assert.Equal((0, 6), (s.Preference!.Pairs, s.Preference.Good + s.Preference.Bad)));
        Assert.All(steps, s => Assert.True(s.Preference!.Kl >= 0));
        // Before the first step policy and reference are one: each answer's loss is half its weight, up to the rounding of another batch.
        Assert.Equal((0.5 * steps[0].Preference!.Good + 0.55 * steps[0].Preference!.Bad) / 6, steps[0].Loss, 1e-4);
        Assert.Equal(0, steps[0].Preference!.Kl!.Value, 1e-3);
        var evaluations = events.OfType<EvaluationCompleted>().ToList();
        var held = evaluations[^1].Preference!;
        Assert.Equal(kind == "judged" ? 6 : 12, held.Count);
        Assert.True(held.Margin > 0.1, $"held-out margin {held.Margin}");
        var lines = File.ReadAllLines(folder.At("whole/metrics.jsonl"));
        foreach (var name in (string[])["step", "evaluation"])
        {
            using var line = JsonDocument.Parse(lines.First(l => l.Contains($"\"event\":\"{name}\"", StringComparison.Ordinal)));
            foreach (var key in (string[])["good", "bad", "kl", "reward_chosen", "reward_rejected", "reward_margin", "preference_accuracy"]) Assert.True(line.RootElement.TryGetProperty(key, out _), key);
        }

        await Run(TrainingRun.Create(Settings("broken", data, method)), stopAfter: 5);
        var rest = await Run(TrainingRun.Resume(folder.At("broken")));
        Assert.Equal(steps.Skip(12 - rest.OfType<StepCompleted>().Count()).Select(s => s.Loss), rest.OfType<StepCompleted>().Select(s => s.Loss));
        Assert.Equal(File.ReadAllBytes(folder.At("whole/adapter_model.safetensors")), File.ReadAllBytes(folder.At("broken/adapter_model.safetensors")));
    }

    [Fact]
    public async Task Accumulated_rows_equal_one_large_batch()
    {
        var data = JudgedData.Create(folder.At("judged.jsonl"));
        var settings = Settings("parts", data) with { Adapter = new AdapterSettings { Rank = 4 } };
        var parts = (await Run(TrainingRun.Create(settings))).OfType<StepCompleted>().ToList();
        var whole = (await Run(TrainingRun.Create(settings with
        {
            Optimization = settings.Optimization with { Batch = 6, Accumulate = 1 },
            Output = settings.Output with { Output = folder.At("one") },
        }))).OfType<StepCompleted>().ToList();
        // The reference point is the step's, so that it does not depend on how the step is cut. Roundings grow with the steps.
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(whole[i].Loss, parts[i].Loss, 1e-4);
            Assert.Equal(whole[i].Preference!.Kl!.Value, parts[i].Preference!.Kl!.Value, 1e-3);
            Assert.Equal(whole[i].GradientNorm, parts[i].GradientNorm, 1e-3 * whole[i].GradientNorm);
        }
    }

    [Fact]
    public void What_does_not_go_together_is_refused_before_the_model_is_loaded()
    {
        var kto = Settings("none", JudgedData.Create(folder.At("judged.jsonl")));
        void Refused(string part, Func<TrainSettings, TrainSettings> change) =>
            Assert.Contains(part, Assert.ThrowsAny<LowRankException>(() => TrainingRun.Create(change(kto) with { Model = new ModelSettings { Model = folder.At("absent") } })).Message, StringComparison.Ordinal);
        Refused("--method full does not go with --objective kto", s => s with { Adapter = new AdapterSettings { Method = "full" } });
        Refused("--packing does not go with --objective kto", s => s with { Data = s.Data with { Packing = true } });
        Refused("--answer-weight does not go with --objective kto", s => s with { Objective = s.Objective with { AnswerWeight = 1 } });
        Refused("--desirable-weight does not go with --objective dpo", s => s with { Objective = new ObjectiveSettings { Objective = "dpo", DesirableWeight = 2 } });
        Refused("a step of one row has none", s => s with { Optimization = s.Optimization with { Batch = 1, Accumulate = 1 } });
        Refused("not for ORPO, SimPO and KTO", s => s with { Objective = s.Objective with { LabelSmoothing = 0.1 } });
        Refused("the rows are judged answers (label true or false): they need the objective KTO, --objective kto", s => s with { Objective = new ObjectiveSettings() });
        Refused("To compare two answers, rows need", s => s with { Objective = new ObjectiveSettings { Objective = "dpo" } });
        Refused("the rows have answers that are not judged", s => s with { Data = new DataSettings { Data = TinyModel.CreateData(folder.At("single.jsonl"), 2) } });
    }

    [Fact]
    public void Held_out_pairs_may_stand_beside_judged_answers()
    {
        var settings = Settings("out", JudgedData.Create(folder.At("judged.jsonl")));
        using var run = TrainingRun.Create(settings with { Data = settings.Data with { Validation = PreferenceData.Create(folder.At("pairs.jsonl"), 4) } });
        Assert.Equal((24, 12, 12), (run.Examples.Examples.Count, run.Examples.Examples.Count(e => e.IsGood == true), run.Examples.Examples.Count(e => e.IsGood == false)));
    }

    [Fact]
    public void The_last_answer_of_a_conversation_is_judged()
    {
        var path = folder.Write("rows.jsonl", """
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}], "kto_tag": true}
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "kto_tag": 0}
            """);
        var data = Dataset.Load(path);
        Assert.Equal(DataFormat.Kto, data.Format);
        Assert.Equal([true, false], data.Rows.Select(r => r.Label!.Value));
        Assert.Equal([false, false, false, true], data.Rows[0].Learned);
        var alpaca = Dataset.Load(folder.Write("alpaca.jsonl", """{"instruction": "a", "input": "", "output": "b", "history": [["x", "y"]], "kto_tag": false}"""));
        Assert.Equal((DataFormat.Kto, false), (alpaca.Format, alpaca.Rows[0].Label!.Value));
        Assert.Equal([false, false, false, true], alpaca.Rows[0].Learned);
        var response = Dataset.Load(folder.Write("response.jsonl", """{"prompt": "a", "response": "b", "kto_tag": true}"""));
        Assert.Equal((DataFormat.Kto, "b", true), (response.Format, response.Rows[0].Completion, response.Rows[0].Label!.Value));
    }
}
