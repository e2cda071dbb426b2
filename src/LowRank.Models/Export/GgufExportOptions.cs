using LowRank.Formats;

namespace LowRank.Models.Export;

/// <summary>How a model is written as a GGUF file.</summary>
public sealed record GgufExportOptions
{
    /// <summary>What the file is made of. Default <see cref="GgufFileType.Q8_0"/>.</summary>
    public GgufFileType Type { get; init; } = GgufFileType.Q8_0;

    /// <summary>The weights to write instead of the model's own, under the same names and in the same shapes: those of a merged adapter, for example. Default null. The exporter does not dispose it.</summary>
    public ITensorSource? Weights { get; init; }

    /// <summary>Is told where llama.cpp will not compute what the model was trained to. Default null.</summary>
    public Action<string>? Warning { get; init; }

    /// <summary>Is told parameters done and parameters in all. Default null.</summary>
    public Action<long, long>? Progress { get; init; }
}
