using LowRank.Adapters;
using LowRank.Models.Decoder;
using LowRank.Models.Families;

namespace LowRank.Training.Planning.Shapes;

/// <summary>
/// The sizes of a model, from its <c>config.json</c> alone: enough to count parameters, bytes and work, without weights. Families that LowRank computes come from
/// their <see cref="DecoderSpec"/>; a family whose sizes are known although it cannot be loaded yet (phi3) has a reader of its own here.
/// </summary>
public sealed record ModelShape
{
    /// <summary>The family, as <c>model_type</c> in <c>config.json</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required long Vocabulary { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required long Hidden { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required long Intermediate { get; init; }

    /// <summary>Number of layers.</summary>
    public required long Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required long Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required long KeyValueHeads { get; init; }

    /// <summary>Width of a head.</summary>
    public required long HeadSize { get; init; }

    /// <summary>Tokens of context that the model was made for.</summary>
    public required long MaxPositions { get; init; }

    /// <summary>Whether the head multiplies by the token table.</summary>
    public required bool TiedHead { get; init; }

    /// <summary>The linear layers of one layer, in the order of the checkpoint.</summary>
    public required IReadOnlyList<LinearShape> Linears { get; init; }

    /// <summary>Rows and columns of a layer's weights, the order of <see cref="Linears"/>.</summary>
    public IReadOnlyList<(long Out, long In)> LayerWeights => [.. Linears.Select(l => (l.Out, l.In))];

    /// <summary>The norms of one layer: name within the layer and elements, in the order of the decoder's slots.</summary>
    public required IReadOnlyList<(string Name, long Weights)> Norms { get; init; }

    /// <summary>Whether attention scores are capped, so that they are kept whole (Gemma 2).</summary>
    public bool HasAttentionSoftCap { get; init; }

    /// <summary>Whether the outputs of both blocks are normalised (Gemma 2).</summary>
    public bool NormAfterBlocks { get; init; }

    /// <summary>Whether query and key heads are normalised (Qwen 3).</summary>
    public bool NormQueryKey { get; init; }

    /// <summary>Names of the modules.</summary>
    public required DecoderNames Names { get; init; }

    /// <summary>Elements of the token table.</summary>
    public long EmbeddingWeights => Vocabulary * Hidden;

    /// <summary>Elements of the head, which a tied one shares with the token table.</summary>
    public long HeadWeights => Vocabulary * Hidden;

    /// <summary>Elements of the linear weights of all layers: what is quantized to 4 bits.</summary>
    public long LinearWeights => Layers * Linears.Sum(l => l.Weights);

    /// <summary>Elements of the biases of all layers.</summary>
    public long LinearBiases => Layers * Linears.Sum(l => l.HasBias ? l.Out : 0);

    /// <summary>Elements of all norm weights.</summary>
    public long NormWeights => Layers * Norms.Sum(n => n.Weights) + Hidden;

    /// <summary>All parameters, a tied head counted once.</summary>
    public long Parameters => EmbeddingWeights + (TiedHead ? 0 : HeadWeights) + LinearWeights + LinearBiases + NormWeights;

    /// <summary>What stays in 16 bits when the linear layers are quantized: token table, head, biases, norms.</summary>
    public long UnquantizedParameters => Parameters - LinearWeights;

    /// <summary>Width of all query heads together.</summary>
    public long QueryWidth => Heads * HeadSize;

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="ModelConfigException">The family is not known, or a size is missing.</exception>
    public static ModelShape Read(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config = SizesAlone(config);
        if (config.ModelType == Phi3Shape.ModelType) return Phi3Shape.Read(config);
        if (!ModelFamilies.Knows(config.ModelType))
            throw new ModelConfigException($"{config.Source}: the model type \"{config.ModelType}\" is not known. The planner knows {string.Join(", ", ModelFamilies.All.Select(f => f.ModelType).Append(Phi3Shape.ModelType))}.");
        return Of(ModelFamilies.Of(config).Read(config));
    }

    // How positions are encoded and how far a token sees changes no size, so a configuration that says nothing of it, or what LowRank does not know, can be counted.
    private static ModelConfig SizesAlone(ModelConfig config)
    {
        var json = config.Json.DeepClone().AsObject();
        foreach (var key in (string[])["rope_scaling", "rope_parameters", "sliding_window", "use_sliding_window", "layer_types"]) json.Remove(key);
        json["max_position_embeddings"] ??= 2048;
        return new ModelConfig(json, config.Source);
    }

    /// <summary>The sizes of a model that LowRank computes.</summary>
    public static ModelShape Of(DecoderSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        long hidden = spec.HiddenSize, inner = spec.IntermediateSize, queries = spec.Heads * spec.HeadSize, keys = spec.KeyValueHeads * spec.HeadSize;
        var names = spec.Names;
        return new ModelShape
        {
            ModelType = spec.ModelType,
            Vocabulary = spec.VocabularySize,
            Hidden = hidden,
            Intermediate = inner,
            Layers = spec.Layers,
            Heads = spec.Heads,
            KeyValueHeads = spec.KeyValueHeads,
            HeadSize = spec.HeadSize,
            MaxPositions = spec.MaxPositions,
            TiedHead = spec.TiedHead,
            Linears =
            [
                new(names.Query, hidden, queries, spec.QueryKeyValueBias),
                new(names.Key, hidden, keys, spec.QueryKeyValueBias),
                new(names.Value, hidden, keys, spec.QueryKeyValueBias),
                new(names.AttentionOutput, queries, hidden, spec.AttentionOutputBias),
                new(names.Gate, hidden, inner, spec.MlpBias),
                new(names.Up, hidden, inner, spec.MlpBias),
                new(names.Down, inner, hidden, spec.MlpBias),
            ],
            Norms =
            [
                .. spec.NormQueryKey ? [(names.QueryNorm, spec.HeadSize), (names.KeyNorm, spec.HeadSize)] : Array.Empty<(string, long)>(),
                (names.NormBeforeAttention, hidden),
                .. spec.NormAfterBlocks ? [(names.NormAfterAttention, hidden)] : Array.Empty<(string, long)>(),
                (names.NormBeforeMlp, hidden),
                .. spec.NormAfterBlocks ? [(names.NormAfterMlp, hidden)] : Array.Empty<(string, long)>(),
            ],
            HasAttentionSoftCap = spec.AttentionSoftCap is not null,
            NormAfterBlocks = spec.NormAfterBlocks,
            NormQueryKey = spec.NormQueryKey,
            Names = names,
        };
    }

    /// <summary>Elements of each tensor, a tied head's once.</summary>
    public IEnumerable<long> Tensors()
    {
        yield return EmbeddingWeights;
        if (!TiedHead) yield return HeadWeights;
        yield return Hidden;
        for (var i = 0L; i < Layers; i++)
        {
            foreach (var linear in Linears)
            {
                yield return linear.Weights;
                if (linear.HasBias) yield return linear.Out;
            }
            foreach (var norm in Norms) yield return norm.Weights;
        }
    }

    /// <summary>The modules as adapters see them: what <see cref="TargetMatcher"/> chooses targets from.</summary>
    public IReadOnlyList<AdaptableModule> Modules()
    {
        var modules = new List<AdaptableModule> { new(Names.Embedding, ModuleKind.Embedding, Vocabulary, Hidden, false) };
        for (var i = 0L; i < Layers; i++)
        {
            var layer = string.Format(System.Globalization.CultureInfo.InvariantCulture, Names.Layer, i);
            modules.AddRange(Linears.Select(l => new AdaptableModule($"{layer}.{l.Name}", ModuleKind.Linear, l.In, l.Out, l.HasBias)));
            modules.AddRange(Norms.Select(n => new AdaptableModule($"{layer}.{n.Name}", ModuleKind.Other, 0, n.Weights, false)));
        }
        modules.Add(new(Names.FinalNorm, ModuleKind.Other, 0, Hidden, false));
        modules.Add(new(Names.Head, ModuleKind.Head, Hidden, Vocabulary, false) { TiedTo = TiedHead ? Names.Embedding : null });
        return modules;
    }

    /// <summary>
    /// Floating-point operations for a token of training with a frozen base: 4·P_linear + 4·P_head·s + 7·T·heads·headSize·layers, with s the supervised share;
    /// adapters and recomputation are not counted. It is 543.2 M for SmolLM2-135M at length 512 and s = 0.5.
    /// </summary>
    /// <param name="length">Tokens of a row.</param>
    /// <param name="supervised">Share of the tokens that the loss counts, from 0 to 1.</param>
    public double FlopsPerToken(double length, double supervised) => 4.0 * LinearWeights + 4.0 * HeadWeights * supervised + 7.0 * length * QueryWidth * Layers;
}
