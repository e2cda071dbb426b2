using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Runtime;
using LowRank.Runtime.ComputeTypes;
using LowRank.Training.Settings;

namespace LowRank.Training.Starts;

/// <summary>The base of a run.</summary>
internal static class RunModel
{
    /// <summary>The model that a run with these settings trains, without an adapter.</summary>
    public static LanguageModel Load(TrainSettings settings, string? path, ModelText? text, Action<string>? progress, CancellationToken cancellation)
    {
        path ??= ModelLoader.Locate(settings.Model.Name(), new ModelLoadOptions { Progress = progress }, cancellation);
        progress?.Invoke($"Loading {settings.Model.Model}");
        var threads = settings.Model.Threads ?? Environment.ProcessorCount;
        return ModelLoader.Load(path, new ModelLoadOptions
        {
            ComputeType = ComputeTypeChoice.TypeOf(settings.Model.Dtype),
            Device = ComputeDevice.Find(settings.Model.Device),
            Threads = threads,
            Progress = progress,
            Text = text,
            Name = settings.Model.Name(),
            Quantization = settings.Adapter.ToQuantization(),
        }, cancellation);
    }

    /// <summary>The token that fills rows up: the tokenizer's own for that, else one that ends a text.</summary>
    public static int PadToken(LanguageModel model) =>
        model.TokenizerConfig.PadToken is { } pad && model.Tokenizer.TokenToId(pad) is { } id ? id : model.EndTokens.Count > 0 ? model.EndTokens[0] : 0;
}
