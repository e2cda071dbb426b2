using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Models.Hub;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Runtime;
using TorchSharp;

namespace LowRank.Models.Checkpoints;

/// <summary>Loads a model from a Hugging Face folder, a GGUF file or a hub id: the first station of the data path.</summary>
public static class ModelLoader
{
    /// <summary>Loads a model; <see cref="LanguageModel.LoadAsync"/> does so on another thread.</summary>
    /// <exception cref="LowRankException">Something is missing, damaged or not supported.</exception>
    public static LanguageModel Load(string model, ModelLoadOptions options, CancellationToken cancellation = default)
    {
        var path = Locate(model, options, cancellation);
        var id = options.Name ?? model;
        return path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? LoadGguf(id, path, options) : LoadFolder(id, path, options);
    }

    /// <summary>The folder or file of a model: as it is, or downloaded from the hub.</summary>
    /// <exception cref="LowRankException">There is nothing of that name.</exception>
    public static string Locate(string model, ModelLoadOptions options, CancellationToken cancellation = default)
    {
        if (Directory.Exists(model) || File.Exists(model))
        {
            if (File.Exists(model) && !model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
                throw new LowRankException($"{model} is a file that is not a .gguf. A model is a folder with config.json, safetensors and tokenizer.json, a .gguf file, or a hub id such as org/name.");
            // Who asks where a model is will load it: files are read meanwhile.
            NativeRuntime.LoadInBackground();
            return model;
        }
        if (!HubId.TryParse(model, out var id))
            throw new LowRankException($"{model} does not exist. A model is a folder with config.json, safetensors and tokenizer.json, a .gguf file, or a hub id such as org/name.");
        options.Progress?.Invoke($"Looking for {id} on the hub");
        return new HubClient(options.Hub).DownloadAsync(id, new HubProgressLines(id, options.Progress).Report, cancellation).GetAwaiter().GetResult();
    }

    /// <summary>The folder of an adapter: as it is, or downloaded from the hub.</summary>
    /// <param name="adapter">A folder, or a hub id such as <c>org/name</c> or <c>org/name@revision</c>.</param>
    /// <param name="options">Progress and the hub's settings.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">There is nothing of that name, or it is no adapter.</exception>
    public static string LocateAdapter(string adapter, ModelLoadOptions options, CancellationToken cancellation = default)
    {
        if (Directory.Exists(adapter) || File.Exists(adapter)) return adapter;
        if (!HubId.TryParse(adapter, out var id)) throw new LowRankException($"{adapter} does not exist. An adapter is a folder with adapter_config.json and adapter_model.safetensors, or a hub id such as org/name.");
        options.Progress?.Invoke($"Looking for the adapter {id} on the hub");
        return new HubClient(options.Hub).DownloadAdapterAsync(id, new HubProgressLines(id, options.Progress).Report, cancellation).GetAwaiter().GetResult();
    }

    private static LanguageModel LoadGguf(string id, string path, ModelLoadOptions options)
    {
        // Dequantized tensors are copied into the model and freed one by one: nothing of the file stays.
        using var checkpoint = GgufCheckpoint.Open(path);
        var metadata = checkpoint.File.Metadata;
        var tokenizerConfig = options.Text?.TokenizerConfig ?? GgufTokenizer.ToConfig(metadata);
        // Beside the weights: both take a few tenths of a second.
        var tokenizer = options.Text is { } text ? Task.FromResult(text.Tokenizer) : Task.Run(() => Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(metadata), path));
        try
        {
            return Assemble(id, path, new ModelConfig(checkpoint.Config, path), checkpoint, null, tokenizer, tokenizerConfig, options);
        }
        finally
        {
            // It reads the file, which is closed next; what it throws was told by whoever asked for its result, or comes after another error.
            ((IAsyncResult)tokenizer).AsyncWaitHandle.WaitOne();
        }
    }

    private static LanguageModel LoadFolder(string id, string path, ModelLoadOptions options)
    {
        var config = ModelConfig.Load(Path.Combine(path, "config.json"));
        // Small files first: what is wrong with them is said before gigabytes are read.
        var spec = ModelFamilies.Of(config).Read(config);
        var isFourBit = QuantizationConfig.IsFourBit(config);
        if (isFourBit && options.Quantization is not null) options.Progress?.Invoke($"{path} is in 4 bits already: its own form is kept");
        var tokenizer = options.Text?.Tokenizer ?? Tokenizer.Load(path);
        var tokenizerConfig = options.Text?.TokenizerConfig ?? TokenizerConfig.Load(path);
        // The weights lie over the mapped files, so these stay open as long as the model.
        var tensors = PrefixedTensors.WithFullNames(SafetensorsFolder.Open(path), spec);
        try
        {
            return Assemble(id, path, config, tensors, tensors, Task.FromResult(tokenizer), tokenizerConfig, options);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    private static LanguageModel Assemble(string id, string path, ModelConfig config, ITensorSource tensors, IDisposable? mapping, Task<Tokenizer> readTokenizer, TokenizerConfig tokenizerConfig, ModelLoadOptions options)
    {
        var spec = ModelFamilies.Of(config).Read(config);
        if (readTokenizer.IsCompletedSuccessfully) CheckFit(path, readTokenizer.Result, spec);
        NativeRuntime.Load();
        var device = options.Device ?? ComputeDevice.Find();
        if (options.ComputeType == torch.ScalarType.Float16 && device.type == DeviceType.CPU)
            throw new LowRankException("Products in fp16 (--dtype fp16) are for GPUs: processors have no units for them. Take fp32, or bf16 where lowrank doctor finds it the faster one.");
        if (options.Threads is { } threads) torch.set_num_threads(threads);
        var fingerprint = new BaseFingerprintBuilder();
        var weights = new WeightReader(tensors, path, fingerprint, mapped: mapping is not null, options.Quantization, device);
        var decoder = DecoderBuilder.Build(spec, weights, options.ComputeType);
        Tokenizer tokenizer;
        try
        {
            tokenizer = readTokenizer.GetAwaiter().GetResult();
            CheckFit(path, tokenizer, spec);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
        var template = tokenizerConfig.ChatTemplate is { } source ? new ChatTemplate(source, SpecialTokens(tokenizerConfig)) : null;
        return new LanguageModel(id, config, decoder, tokenizer, tokenizerConfig, template, EndTokens(spec.EndOfTextIds, tokenizer, tokenizerConfig), fingerprint.Finish()) { Files = new ModelFiles(path), Mapping = mapping, Quantization = weights.ReadForm };
    }

    private static void CheckFit(string path, Tokenizer tokenizer, DecoderSpec spec)
    {
        if (tokenizer.VocabularySize > spec.VocabularySize && MaxId(tokenizer) >= spec.VocabularySize)
            throw new LowRankException($"{path}: the tokenizer has ids up to {MaxId(tokenizer)}, the model's table only {spec.VocabularySize} rows. They do not belong together.");
    }

    /// <summary>The largest id of a tokenizer.</summary>
    internal static int MaxId(Tokenizer tokenizer)
    {
        var last = tokenizer.VocabularySize - 1;
        return tokenizer.AddedTokens.Count == 0 ? last : Math.Max(tokenizer.IdToToken(last) is null ? 0 : last, tokenizer.AddedTokens.Max(t => t.Id));
    }

    private static Dictionary<string, object?> SpecialTokens(TokenizerConfig config) =>
        config.SpecialTokens.ToDictionary(t => t.Key, t => (object?)t.Value, StringComparer.Ordinal);

    // generation_config.json, config.json and the tokenizer may each name ends; instruct models often name the end of a turn in only one of them.
    private static int[] EndTokens(IReadOnlyList<int> ofConfig, Tokenizer tokenizer, TokenizerConfig config)
    {
        var ends = ofConfig.Concat(config.EosTokenIds).ToHashSet();
        if (config.EosToken is { } eos && tokenizer.TokenToId(eos) is { } id) ends.Add(id);
        return [.. ends.Order()];
    }
}
