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
            var embedding = new EmbeddingSlot(names.Embedding, new FrozenEmbedding(table));
            owned.Add(embedding);
            var positions = spec.LearnedPositions ? new EmbeddingSlot(names.Positions, new FrozenEmbedding(new DenseWeight(Weight($"{names.Positions}.weight", spec.MaxPositions, spec.HiddenSize)))) : null;
            if (positions is not null) owned.Add(positions);
            var layers = new DecoderLayer[spec.Layers];
            for (var i = 0; i < layers.Length; i++)
            {
                layers[i] = Layer(i);
                owned.AddRange(layers[i].Slots());
            }
            var norm = Norm(names.FinalNorm, spec.HiddenSize);
            owned.Add(norm);
            var head = new LinearSlot(names.Head, spec.TiedHead ? new FrozenLinear(table, ownsWeight: false) : FrozenHead(names.Head, spec.VocabularySize, spec.HiddenSize), LinearRole.Head);
            owned.Add(head);
            weights.ThrowIfWrong();
            return new CausalLM(spec, embedding, positions, layers, norm, head, computeType);
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
        var slots = spec.LinearsOf(i).ToDictionary(l => l.Name, l => Linear(spec.Within(i, l.Name), l, l.Role == LinearRole.Router ? spec.Within(i, names.RouterHolder) : null), StringComparer.Ordinal);
        var norms = spec.NormsOf().ToDictionary(n => n.Name, n => Norm(spec.Within(i, n.Name), n.Features), StringComparer.Ordinal);
        // Gemma 2 calls the norm after attention as others call that before the MLP: only those that the spec has are asked for.
        NormSlot? Before(string name) => spec.NormPlacement == NormPlacement.After ? null : norms[name];
        NormSlot? After(string name) => spec.NormPlacement == NormPlacement.Before ? null : norms[name];
        NormSlot? OfHeads(string name) => spec.QueryKeyNorm == QueryKeyNorm.None ? null : norms[name];
        var attention = new DecoderAttention(spec, i, spec.FusedQueryKeyValue ? [slots[names.QueryKeyValue]] : [slots[names.Query], slots[names.Key], slots[names.Value]],
            slots[names.AttentionOutput], OfHeads(names.QueryNorm), OfHeads(names.KeyNorm));
        return new DecoderLayer(spec.ResidualMultiplier, attention, Mlp(i, slots), Before(names.NormBeforeAttention), Before(names.NormBeforeMlp), After(names.NormAfterAttention), After(names.NormAfterMlp));
    }

    private FeedForward Mlp(int i, Dictionary<string, LinearSlot> slots)
    {
        var names = spec.Names;
        if (spec.HasExperts(i))
        {
            LinearSlot Of(int expert, string name) => slots[names.ExpertName(expert, name)];
            var experts = Enumerable.Range(0, spec.Experts!.Count).Select(e => new DecoderMlp(spec.Activation, Of(e, names.ExpertGate), Of(e, names.ExpertUp), Of(e, names.ExpertDown)));
            var parameters = spec.ExpertParametersOf(i).Select(p =>
                new ExpertsSlot(spec.Within(i, p.Name), [.. Enumerable.Range(0, spec.Experts.Count).Select(e => p.Parts.Select(part => Of(e, part)).ToArray())]));
            return new MixtureOfExperts(spec.Experts, slots[names.Router], [.. experts], [.. parameters]);
        }
        if (spec.FusedGateUp) return new FusedMlp(spec.Activation, slots[names.GateUp], slots[names.Down]);
        return spec.GatedMlp ? new DecoderMlp(spec.Activation, slots[names.Gate], slots[names.Up], slots[names.Down]) : new PlainMlp(spec.Activation, slots[names.Up], slots[names.Down]);
    }

    private LinearSlot Linear(string name, DecoderLinear of, string? holder = null)
    {
        // A router decides by differences that 4 bits would change.
        var weight = of.Role == LinearRole.Router ? new DenseWeight(Weight($"{name}.weight", of.OutFeatures, of.InFeatures))
            : weights.ReadMatrix(name, of.OutFeatures, of.InFeatures, spec.TransposedWeights) ?? new DenseWeight(empty(0, of.InFeatures));
        return new LinearSlot(name, new FrozenLinear(weight, of.HasBias ? Weight($"{name}.bias", of.OutFeatures) : null), of.Role) { ParameterHolder = holder };
    }

    // A head of its own stays in the checkpoint's form, as bitsandbytes leaves it: its errors would go straight into the logits.
    private FrozenLinear FrozenHead(string name, long outFeatures, long inFeatures) => new(new DenseWeight(Weight($"{name}.weight", outFeatures, inFeatures)));

    private NormSlot Norm(string name, long features)
    {
        var weight = Weight($"{name}.weight", features);
        return new NormSlot(name, spec.Norm == NormKind.Layer ? new LayerNorm(weight, Weight($"{name}.bias", features), spec.NormEpsilon) : new RmsNorm(weight, spec.NormEpsilon, spec.NormUnitOffset));
    }

    // A tensor of no elements stands for what is missing until all problems are known and reported.
    private Tensor Weight(string name, params long[] shape) => weights.Read(name, shape) ?? empty([.. shape.Select((_, i) => i == 0 ? 0 : shape[i])]);
}
