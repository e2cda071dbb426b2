using LowRank.Adapters;
using LowRank.Adapters.Initialization;
using LowRank.Adapters.Many;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Models.Merging;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Quantization;

namespace LowRank.Models;

/// <summary>
/// A loaded model with everything around it: decoder, tokenizer, chat template, ends of text. One thread uses it at a time; the asynchronous members
/// of LowRank run it on a thread of their own. Disposing it frees the weights and the adapter that stands in it.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    internal LanguageModel(string id, ModelConfig config, CausalLM decoder, Tokenizer tokenizer, TokenizerConfig tokenizerConfig, ChatTemplate? chatTemplate, IReadOnlyList<int> endTokens, BaseFingerprint fingerprint)
    {
        (Id, Config, Decoder, Tokenizer, TokenizerConfig, ChatTemplate) = (id, config, decoder, tokenizer, tokenizerConfig, chatTemplate);
        (EndTokens, Fingerprint) = (endTokens, fingerprint);
    }

    /// <summary>What the model was loaded by: a folder, a file or a hub id.</summary>
    public string Id { get; }

    /// <summary>Its configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The network.</summary>
    public CausalLM Decoder { get; }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Special tokens and switches of the tokenizer.</summary>
    public TokenizerConfig TokenizerConfig { get; }

    /// <summary>The chat template, or null for a model without one.</summary>
    public ChatTemplate? ChatTemplate { get; }

    /// <summary>Tokens at which generation stops.</summary>
    public IReadOnlyList<int> EndTokens { get; }

    /// <summary>XxHash128 over names, shapes and bytes of the base weights: kept with an adapter and compared when it is loaded.</summary>
    public BaseFingerprint Fingerprint { get; }

    /// <summary>The small files beside the weights, for a new checkpoint of this model.</summary>
    public required ModelFiles Files { get; init; }

    /// <summary>How the matrices of the layers are stored, where they are in 4 bits; else null.</summary>
    public FourBitOptions? Quantization { get; init; }

    /// <summary>The mapped files over which the weights lie, or null.</summary>
    internal IDisposable? Mapping { get; init; }

    /// <summary>Parameters of the base, a tied head counted once.</summary>
    public long ParameterCount => Decoder.ParameterCount;

    /// <summary>The adapter that stands in the model, or null.</summary>
    public AttachedAdapter? Adapter { get; private set; }

    /// <summary>Loads a model: a Hugging Face folder, a <c>.gguf</c> file, or a hub id, which is downloaded into the <c>HF_HOME</c> cache.</summary>
    /// <param name="model">Folder, file or hub id.</param>
    /// <param name="options">Dtype, threads, progress.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">Something is missing, damaged or not supported; the message says what and where.</exception>
    public static Task<LanguageModel> LoadAsync(string model, ModelLoadOptions? options = null, CancellationToken cancellation = default) =>
        Task.Run(() => ModelLoader.Load(model, options ?? new ModelLoadOptions(), cancellation), cancellation);

    /// <summary>Puts a new adapter into the model: a LoRA or DoRA, AdaLoRA, MiSS or (IA)³, by the kind of its settings.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="seed">Seed of its initial values.</param>
    /// <exception cref="InvalidOperationException">The model has an adapter already.</exception>
    /// <exception cref="LoraConfigException">The settings do not fit the model.</exception>
    public AttachedAdapter Attach(AdapterConfig config, long seed = 0)
    {
        if (Adapter is not null || Adapters is not null) throw new InvalidOperationException("The model has an adapter already: detach it first.");
        config = config with { BaseModel = config.BaseModel ?? Id };
        Decoder.DropsOut = config is LoraConfig { Dropout: > 0 } or AdaLoraConfig { Dropout: > 0 } or MissConfig { Dropout: > 0 } ? () => Adapter?.Dropout.IsActive == true : null;
        if (config is not LoraConfig { Initialization: LoraInitialization.LoftQ }) return Adapter = AdapterInjector.Attach(Decoder.Slots, config, Decoder.Spec.ModelType, seed);
        if (Quantization is null) throw new LoraConfigException("init_lora_weights: \"loftq\" makes up for what quantizing lost, and the base is not in 4 bits. Load it so (--method qlora), or take another start.");
        using var original = OriginalWeights.Open(this);
        return Adapter = AdapterInjector.Attach(Decoder.Slots, config, Decoder.Spec.ModelType, seed, original.Of);
    }

    /// <summary>Puts an adapter of PEFT or LowRank into the model.</summary>
    /// <param name="folder">A folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <param name="warning">Is told what may be wrong although it loads, such as another base model of the same shapes.</param>
    /// <exception cref="LowRankException">The adapter is damaged, not supported, or made for a model of other shapes.</exception>
    public AttachedAdapter LoadAdapter(string folder, Action<string>? warning = null)
    {
        using var read = AdapterFolder.Open(folder);
        Warn(read, folder, warning);
        if (AdapterTables.Of(read, Decoder.Spec) is { } tables && tables.Rows != Decoder.Spec.VocabularySize)
            throw new AdapterException(read.Path, $"it was trained with {tables.Rows} tokens and brings an embedding and a head of as many rows; {Id} has {Decoder.Spec.VocabularySize}. Merge it (lowrank merge), which takes these and the tokenizer over, and load the merged model.");
        var attached = Attach(read.Config);
        try
        {
            attached.Load(read);
            return attached;
        }
        catch
        {
            Detach();
            throw;
        }
    }

    /// <summary>Tells what may be wrong with an adapter although it loads.</summary>
    internal void Warn(AdapterFolder adapter, string folder, Action<string>? warning)
    {
        if (BaseFingerprint.Compare(adapter.Record?.Base, Fingerprint, folder) is { } different) warning?.Invoke(different);
        if (LoraConversion.Warning(adapter.Config, adapter.Path) is { } unconverted) warning?.Invoke(unconverted);
    }

    /// <summary>The adapters that stand in the model by name, or null before <see cref="HoldAdapters"/>.</summary>
    public AdapterCollection? Adapters { get; private set; }

    /// <summary>Makes the model hold many adapters by name, among which passes and rows of batches choose.</summary>
    /// <exception cref="InvalidOperationException">An adapter stands in the model alone: detach it first.</exception>
    public AdapterCollection HoldAdapters()
    {
        if (Adapter is not null) throw new InvalidOperationException("The model has an adapter that stands alone: detach it first.");
        if (Adapters is null)
        {
            Adapters = new AdapterCollection(Decoder.Slots, Decoder.Spec.ModelType);
            var held = Adapters;
            (Decoder.PassBegins, Decoder.RowsDiffer) = (held.BeginPass, () => held.RowsDiffer);
        }
        return Adapters;
    }

    /// <summary>Takes the adapter, or all that stand in the model by name, out; the base model is back.</summary>
    public void Detach()
    {
        Adapter?.Dispose();
        Adapters?.Dispose();
        (Decoder.PassBegins, Decoder.RowsDiffer, Decoder.DropsOut) = (null, null, null);
        (Adapter, Adapters) = (null, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Detach();
        Decoder.Dispose();
        Mapping?.Dispose();
    }
}
