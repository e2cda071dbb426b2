using LowRank.Training.Guards;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Guards;

/// <summary>Runs without a mistake: no guard speaks.</summary>
public sealed class SoundRunTests : IDisposable
{
    private readonly GuardedRuns runs = new();

    public void Dispose() => runs.Dispose();

    [Theory]
    [InlineData("lora"), InlineData("alpha of twice the rank"), InlineData("rslora"), InlineData("query and value"), InlineData("full"), InlineData("held-out rows"), InlineData("early stopping")]
    [InlineData("packing"), InlineData("dropout and accumulation"), InlineData("last turn"), InlineData("every token"), InlineData("plain text"), InlineData("token ids"), InlineData("a norm saved whole")]
    [InlineData("qlora"), InlineData("many steps"), InlineData("quickstart")]
    public async Task No_guard_speaks(string kind)
    {
        var sound = runs.Sound();
        var text = runs.Write("texts.txt", "The sky is blue today.", "", "It rained all night.", "", "Snow fell on the hills.", "", "A wind came up.");
        var ids = runs.Write("ids.jsonl", Enumerable.Range(0, 8).Select(i => $$"""{"input_ids":[{{i + 20}},31,32,33,0],"labels":[-100,-100,32,33,0]}"""));
        Assert.Empty(await GuardedRuns.Run(kind switch
        {
            "lora" => sound,
            "alpha of twice the rank" => sound with { Adapter = sound.Adapter with { Alpha = 8 } },
            "rslora" => sound with { Adapter = sound.Adapter with { Rslora = true } },
            "query and value" => sound with { Adapter = sound.Adapter with { Target = "qv", Rank = 8 } },
            "full" => sound with { Adapter = new AdapterSettings { Method = "full" }, Optimization = sound.Optimization with { LearningRate = 1e-3 } },
            "held-out rows" => sound with { Data = sound.Data with { Validation = "0.25" }, Evaluation = new EvaluationSettings { EvalEvery = 3 } },
            "early stopping" => sound with { Data = sound.Data with { Validation = "6" }, Evaluation = new EvaluationSettings { EvalEvery = 2, Patience = 2, Samples = 0 } },
            "packing" => sound with { Data = sound.Data with { Packing = true, MaxLength = 128 } },
            "dropout and accumulation" => sound with { Adapter = sound.Adapter with { Dropout = 0.1 }, Optimization = sound.Optimization with { Accumulate = 2 } },
            "last turn" => sound with { Data = sound.Data with { TrainOn = "last" } },
            "every token" => sound with { Data = sound.Data with { TrainOn = "all" } },
            "plain text" => sound with { Data = new DataSettings { Data = text } },
            "token ids" => sound with { Data = new DataSettings { Data = ids } },
            "a norm saved whole" => sound with { Adapter = sound.Adapter with { ModulesToSave = "norm" } },
            "qlora" => sound with { Adapter = sound.Adapter with { Method = "qlora" } },
            "many steps" => sound with { Optimization = sound.Optimization with { MaxSteps = 60, LearningRate = 2e-2, Schedule = "constant" } },
            "quickstart" => sound with
            {
                Model = new ModelSettings { Model = GuardedRuns.TinyAsset, Threads = 1 },
                Adapter = new AdapterSettings(),
                Data = new DataSettings { Data = Path.Combine(GuardedRuns.TinyAsset, "subjects.train.jsonl"), Validation = Path.Combine(GuardedRuns.TinyAsset, "subjects.test.jsonl") },
                Optimization = new OptimizationSettings { MaxSteps = 12, Batch = 16, LearningRate = 5e-3, Warmup = 0.1 },
            },
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        }, kind != "qlora" ? null : run => run.Trainer.Guards.Replace(new SlowFourBitInference(_ => new DecodingSpeed(50, 50)))));
    }
}
