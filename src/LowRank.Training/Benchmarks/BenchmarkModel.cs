using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Quantization;
using LowRank.Runtime;
using LowRank.Runtime.ComputeTypes;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;
using TorchSharp;

namespace LowRank.Training.Benchmarks;

/// <summary>The model that a benchmark measures: one that is loaded, or the sizes of a well-known one with random weights.</summary>
internal static class BenchmarkModel
{
    /// <summary>The settings with the dtype that is measured, and the model, loaded or made.</summary>
    /// <exception cref="LowRankException">Neither or both are named, or there is no such model.</exception>
    public static (BenchmarkSettings Settings, LanguageModel Model) Open(BenchmarkSettings settings, Action<string>? progress, CancellationToken cancellation)
    {
        if (settings.Shape is null == settings.Model is null) throw new LowRankException("What is measured? Give --model with a model's files, or --shape with the name of a well-known one for random weights of its sizes, such as qwen2.5-0.5b.");
        var known = settings.Shape is null ? null
            : KnownModel.Find(settings.Shape) ?? throw new LowRankException($"--shape {settings.Shape}: no such model in LowRank's table, which has {string.Join(", ", KnownModel.All.Select(m => m.Name))}.");
        var path = settings.Model is null ? null : ModelLoader.Locate(settings.Model, new ModelLoadOptions { Progress = progress }, cancellation);
        if (settings.Dtype is null)
        {
            var device = ComputeDevice.Find(settings.Device);
            var choice = ComputeTypeChoice.OfAnyModel(device)
                ?? ComputeTypeChoice.For((known is null ? ModelSource.Open(path!).Shape : ModelShape.Read(known.Config)).LayerWeights, settings.Threads ?? Environment.ProcessorCount, device);
            progress?.Invoke(choice.Reason);
            settings = settings with { Dtype = choice.Name };
        }
        var options = new ModelLoadOptions
        {
            ComputeType = ComputeTypeChoice.TypeOf(settings.Dtype),
            Device = ComputeDevice.Find(settings.Device),
            Threads = settings.Threads ?? Environment.ProcessorCount,
            Progress = progress,
            Quantization = settings.Method == "qlora" ? new FourBitOptions() : null,
        };
        if (known is null) return (settings, ModelLoader.Load(path!, options, cancellation));
        progress?.Invoke($"Random weights of the sizes of {known.Hub}");
        return (settings, RandomModel.Create(known.Name, known.Config, options));
    }
}
