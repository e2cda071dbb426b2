using LowRank.Layers;
using LowRank.Models.Decoder;
using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Checkpoints;

/// <summary>Builds a <see cref="CausalLM"/> from a spec and the tensors of a checkpoint.</summary>
internal sealed class DecoderBuilder
{
    private readonly DecoderSpec spec;
    private readonly WeightReader weights;

    private DecoderBuilder(DecoderSpec spec, WeightReader weights) => (this.spec, this.weights) = (spec, weights);

    /// <summary>Builds the model. Tensors that are missing or have other shapes are reported together.</summary>
    public static CausalLM Build(DecoderSpec spec, WeightReader weights, ScalarType computeType) => new DecoderBuilder(spec, weights).Build(computeType);

    private CausalLM Build(ScalarType computeType)
    {
        var owned = new List<IDisposable>();
        try
        {
            var names = spec.Names;
            var table = new DenseWeight(Weight($"{names.Embedding}.weight", spec.VocabularySize, spec.HiddenSize));
            owned.Add(table);
            var embedding = new EmbeddingSlot(names.Embedding, new FrozenEmbedding(table));
            var layers = new DecoderLayer[spec.Layers];
            for (var i = 0; i < layers.Length; i++)
            {
                layers[i] = Layer(i);
                owned.AddRange(layers[i].Slots());
            }
            var norm = Norm(names.FinalNorm, spec.HiddenSize);
            owned.Add(norm);
            var head = new LinearSlot(names.Head, spec.TiedHead ? new FrozenLinear(table, ownsWeight: false) : FrozenHead(names.Head, spec.VocabularySize, spec.HiddenSize), isHead: true);
            owned.Add(head);
            weights.ThrowIfWrong();
            return new CausalLM(spec, embedding, layers, norm, head, computeType);
        }
        catch
        {
            foreach (var o in owned) o.Dispose();
            throw;
        }
    }

    private DecoderLayer Layer(int i)
    {
        var names = spec.Names;
        var at = string.Format(System.Globalization.CultureInfo.InvariantCulture, names.Layer, i);
        long hidden = spec.HiddenSize, queries = spec.Heads * spec.HeadSize, keys = spec.KeyValueHeads * spec.HeadSize, inner = spec.IntermediateSize;
        var attention = new DecoderAttention(spec, i,
            Linear($"{at}.{names.Query}", queries, hidden, spec.QueryKeyValueBias),
            Linear($"{at}.{names.Key}", keys, hidden, spec.QueryKeyValueBias),
            Linear($"{at}.{names.Value}", keys, hidden, spec.QueryKeyValueBias),
            Linear($"{at}.{names.AttentionOutput}", hidden, queries, spec.AttentionOutputBias),
            spec.NormQueryKey ? Norm($"{at}.{names.QueryNorm}", spec.HeadSize) : null,
            spec.NormQueryKey ? Norm($"{at}.{names.KeyNorm}", spec.HeadSize) : null);
        var mlp = new DecoderMlp(spec.Activation,
            Linear($"{at}.{names.Gate}", inner, hidden, spec.MlpBias),
            Linear($"{at}.{names.Up}", inner, hidden, spec.MlpBias),
            Linear($"{at}.{names.Down}", hidden, inner, spec.MlpBias));
        return new DecoderLayer(attention, mlp,
            Norm($"{at}.{names.NormBeforeAttention}", hidden),
            Norm($"{at}.{names.NormBeforeMlp}", hidden),
            spec.NormAfterBlocks ? Norm($"{at}.{names.NormAfterAttention}", hidden) : null,
            spec.NormAfterBlocks ? Norm($"{at}.{names.NormAfterMlp}", hidden) : null);
    }

    private LinearSlot Linear(string name, long outFeatures, long inFeatures, bool bias) => new(name, Frozen(name, outFeatures, inFeatures, bias));

    private FrozenLinear Frozen(string name, long outFeatures, long inFeatures, bool bias) =>
        new(weights.ReadMatrix(name, outFeatures, inFeatures) ?? new DenseWeight(empty(0, inFeatures)), bias ? Weight($"{name}.bias", outFeatures) : null);

    // A head of its own stays in the checkpoint's form, as bitsandbytes leaves it: its errors would go straight into the logits.
    private FrozenLinear FrozenHead(string name, long outFeatures, long inFeatures) => new(new DenseWeight(Weight($"{name}.weight", outFeatures, inFeatures)));

    private NormSlot Norm(string name, long features) => new(name, new RmsNorm(Weight($"{name}.weight", features), spec.NormEpsilon, spec.NormUnitOffset));

    // A tensor of no elements stands for what is missing until all problems are known and reported.
    private Tensor Weight(string name, params long[] shape) => weights.Read(name, shape) ?? empty([.. shape.Select((_, i) => i == 0 ? 0 : shape[i])]);
}
