using LowRank.Adapters;
using LowRank.Models.Families;
using LowRank.Models.Tokenization;
using LowRank.Runtime;
using TorchSharp;

namespace LowRank.Models.Checkpoints;

/// <summary>A model of given sizes with random weights, for measurements. It has a tokenizer of a single token.</summary>
internal static class RandomModel
{
    private static ReadOnlySpan<byte> OneToken => """{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"""u8;

    /// <summary>Makes the model, tensor by tensor; with <see cref="ModelLoadOptions.Quantization"/> each is quantized at once.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="config">Its sizes.</param>
    /// <param name="options">Dtype, threads, form of the weights.</param>
    /// <exception cref="LowRankException">The family is not supported.</exception>
    public static LanguageModel Create(string name, ModelConfig config, ModelLoadOptions options)
    {
        var spec = ModelFamilies.Of(config).Read(config);
        NativeRuntime.Load();
        if (options.Threads is { } threads) torch.set_num_threads(threads);
        using var tensors = new RandomWeights();
        var fingerprint = new BaseFingerprintBuilder();
        var weights = new RandomWeightReader(tensors, name, fingerprint, options.Quantization, options.Device ?? ComputeDevice.Find());
        var decoder = DecoderBuilder.Build(spec, weights, options.ComputeType);
        return new LanguageModel(name, config, decoder, Tokenizer.FromJson(OneToken, name), new TokenizerConfig(), null, [], fingerprint.Finish())
        {
            Files = new ModelFiles(name), Quantization = weights.ReadForm,
        };
    }
}
