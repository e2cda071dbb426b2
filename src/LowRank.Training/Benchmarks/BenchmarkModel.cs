using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Quantization;
using LowRank.Runtime;
using LowRank.Training.Planning.Sources;
using TorchSharp;

namespace LowRank.Training.Benchmarks;

/// <summary>The model that a benchmark measures: one that is loaded, or the sizes of a well-known one with random weights.</summary>
internal static class BenchmarkModel
{
    /// <summary>Loads or makes it.</summary>
    /// <exception cref="LowRankException">Neither or both are named, or there is no such model.</exception>
    public static LanguageModel Open(BenchmarkSettings settings, Action<string>? progress, CancellationToken cancellation)
    {
        var options = new ModelLoadOptions
        {
            ComputeType = settings.Dtype == "bf16" ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32,
            Device = ComputeDevice.Find(settings.Device),
            Threads = settings.Threads ?? Environment.ProcessorCount,
            Progress = progress,
            Quantization = settings.Method == "qlora" ? new FourBitOptions() : null,
        };
        if (settings.Shape is null == settings.Model is null) throw new LowRankException("What is measured? Give --model with a model's files, or --shape with the name of a well-known one for random weights of its sizes, such as qwen2.5-0.5b.");
        if (settings.Model is { } model) return ModelLoader.Load(model, options, cancellation);
        var known = KnownModel.Find(settings.Shape!) ?? throw new LowRankException($"--shape {settings.Shape}: no such model in LowRank's table, which has {string.Join(", ", KnownModel.All.Select(m => m.Name))}.");
        progress?.Invoke($"Random weights of the sizes of {known.Hub}");
        return RandomModel.Create(known.Name, known.Config, options);
    }
}
