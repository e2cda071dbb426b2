using LowRank.Training.Settings;

namespace LowRank.Training.Quickstart;

/// <summary>What can be chosen about a <see cref="QuickstartRun"/>.</summary>
public sealed record QuickstartOptions
{
    /// <summary>The base model: a Hugging Face folder, a .gguf file or a hub id. Default null: the tiny model that comes with the program.</summary>
    public string? Model { get; init; }

    /// <summary>The folder of the run, with the adapter; it must not exist, or be empty. Default <c>lowrank-quickstart</c>.</summary>
    public string Output { get; init; } = "lowrank-quickstart";

    /// <summary>Optimizer steps. Default null: 120 with the tiny model, 60 with another.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Held-out rows that are asked. Default null: all 120 with the tiny model's data, 100 with the other.</summary>
    public int? HeldOut { get; init; }

    /// <summary>Threads of the tensor library. Default null: one with the tiny model, whose products are too small to share (two take longer, far longer on a busy machine); all processors with another.</summary>
    public int? Threads { get; init; }

    /// <summary>Decides the adapter's start and the order of rows. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>The settings of the run: those of <c>lowrank train</c>.</summary>
    internal TrainSettings ToSettings(QuickstartFiles files)
    {
        var isTiny = Model is null;
        return new TrainSettings
        {
            Model = new ModelSettings { Model = Model ?? files.TinyModel, Threads = Threads ?? (isTiny ? 1 : null), Dtype = "fp32" },
            Adapter = new AdapterSettings { Rank = 16 },
            Data = new DataSettings { Data = files.Training },
            Optimization = new OptimizationSettings { MaxSteps = MaxSteps ?? (isTiny ? 120 : 60), Batch = isTiny ? 16 : 8, LearningRate = isTiny ? 5e-3 : 1e-3, Warmup = 0.1, Seed = Seed },
            // No checkpoints: the run is over before one would be missed.
            Output = new OutputSettings { Output = Output, SaveEvery = int.MaxValue, Report = false },
        };
    }
}
