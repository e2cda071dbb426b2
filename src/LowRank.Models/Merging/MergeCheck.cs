using LowRank.Adapters;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Merging;

/// <summary>How far a merged model is from the base with the adapter beside it, over the tokens of a text.</summary>
/// <param name="Tokens">Places that were compared.</param>
/// <param name="KullbackLeibler">The mean divergence KL(unmerged ‖ merged) of the next token's distribution, in nats.</param>
/// <param name="LargestDifference">The largest difference of a logit.</param>
/// <param name="Top1Agreement">The share of places at which both find the same token the likeliest.</param>
public sealed record MergeCheck(int Tokens, double KullbackLeibler, double LargestDifference, double Top1Agreement)
{
    private const int MostTokens = 128;

    /// <summary>The text that is compared where none is given.</summary>
    public const string ProbeText = """
        The quick brown fox jumps over the lazy dog. Water boils at 100 degrees Celsius at sea level, and a year has 365 days.
        def mean(values): return sum(values) / len(values)
        Question: What is the capital of France? Answer: Paris. Thank you very much; that was all I wanted to know.
        """;

    /// <summary>Compares the two, one after the other: one model is in memory at a time.</summary>
    /// <param name="model">The base: a Hugging Face folder or a GGUF file.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="merged">The merged model's folder.</param>
    /// <param name="report">What the merge told.</param>
    /// <param name="text">The text to compare on; its first 128 tokens count.</param>
    /// <param name="cancellation">Ends the comparison.</param>
    /// <exception cref="LowRankException">One of them cannot be loaded.</exception>
    public static MergeCheck Run(string model, string adapter, string merged, MergeReport report, string text = ProbeText, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(report);
        int[] ids;
        Tensor unmerged;
        if (report.Vocabulary is not null)
        {
            (ids, unmerged) = WithOwnTables(model, adapter, report, text);
            return Compare(unmerged, merged, ids, cancellation);
        }
        var isFourBit = QuantizationConfig.IsFourBit(OpenedConfig(model));
        using (var loaded = ModelLoader.Load(model, new ModelLoadOptions { Quantization = report.Base == MergeBase.Dequantized && !isFourBit ? report.Quantization : null }, cancellation))
        {
            loaded.LoadAdapter(adapter);
            var encoded = loaded.Tokenizer.Encode(text);
            ids = encoded.Length > MostTokens ? encoded[..MostTokens] : encoded;
            unmerged = Logits(loaded.Decoder, ids);
        }
        return Compare(unmerged, merged, ids, cancellation);
    }

    // An adapter that brings embedding and head cannot stand in a model with others: the base is loaded with these.
    private static (int[] Ids, Tensor Logits) WithOwnTables(string model, string adapter, MergeReport report, string text)
    {
        const int NewTokens = 16;
        Runtime.NativeRuntime.Load();
        using var opened = OpenedCheckpoint.Open(model);
        using var folder = AdapterFolder.Open(adapter);
        var spec = Families.ModelFamilies.Of(opened.Config).Read(opened.Config);
        var tables = AdapterTables.Of(folder, spec) ?? throw new LowRankException($"{adapter} has changed since it was merged.");
        var encoded = ModelText.Load(model).Tokenizer.Encode(text);
        // Tokens that were added are compared too.
        int[] ids = [.. encoded.Take(MostTokens).Where(id => id < tables.Rows), .. Enumerable.Range(0, (int)Math.Clamp(tables.Rows - spec.VocabularySize, 0, NewTokens)).Select(i => (int)spec.VocabularySize + i)];
        using var source = new ReplacedTensors(opened.Tensors, folder.Weights, tables.ByName);
        var form = report.Base == MergeBase.Dequantized && !QuantizationConfig.IsFourBit(opened.Config) ? report.Quantization : null;
        using var decoder = DecoderBuilder.Build(tables.Apply(spec), new WeightReader(source, model, quantization: form), ScalarType.Float32);
        using var attached = AdapterInjector.Attach(decoder.Slots, folder.Config, spec.ModelType);
        attached.Load(folder, tables.Keys);
        return (ids, Logits(decoder, ids));
    }

    private static MergeCheck Compare(Tensor unmerged, string merged, int[] ids, CancellationToken cancellation)
    {
        using (unmerged)
        using (var loaded = ModelLoader.Load(merged, new ModelLoadOptions(), cancellation))
        using (var own = Logits(loaded.Decoder, ids))
            return Compare(unmerged, own);
    }

    private static Families.ModelConfig OpenedConfig(string model)
    {
        using var opened = OpenedCheckpoint.Open(model);
        return opened.Config;
    }

    private static MergeCheck Compare(Tensor unmerged, Tensor merged)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (p, q) = (unmerged.to(ScalarType.Float64).log_softmax(-1), merged.to(ScalarType.Float64).log_softmax(-1));
        var divergence = (p.exp() * (p - q)).sum(-1).mean().item<double>();
        var same = unmerged.argmax(-1).eq(merged.argmax(-1)).to(ScalarType.Float64).mean().item<double>();
        return new MergeCheck((int)unmerged.shape[0], divergence, (unmerged - merged).abs().max().item<float>(), same);
    }

    private static Tensor Logits(CausalLM model, int[] ids)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded(Array.ConvertAll(ids, i => (long)i), 1, model.Device);
        var hidden = model.Hidden(input);
        return model.Logits(hidden.view(-1, hidden.shape[^1])).cpu().MoveToOuterDisposeScope();
    }
}
