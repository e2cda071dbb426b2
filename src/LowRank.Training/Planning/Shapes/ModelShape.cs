using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models.Decoder;
using LowRank.Models.Families;

namespace LowRank.Training.Planning.Shapes;

/// <summary>
/// The sizes of a model, from its <c>config.json</c> alone: enough to count parameters, bytes and work, without weights. They follow from the <see cref="DecoderSpec"/> of its
/// family, from which the model itself is built.
/// </summary>
public sealed record ModelShape
{
    private const int MatricesOfExpert = 3;

    /// <summary>The family, as <c>model_type</c> in <c>config.json</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required long Vocabulary { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required long Hidden { get; init; }

    /// <summary>Width inside the MLP; with experts, inside all that a token passes.</summary>
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

    /// <summary>The linear layers of each layer, in the order of the decoder's slots.</summary>
    public required IReadOnlyList<IReadOnlyList<LinearShape>> LayerLinears { get; init; }

    /// <summary>The linear layers of the first layer, which all others are like unless some have experts and some do not.</summary>
    public IReadOnlyList<LinearShape> Linears => LayerLinears[0];

    /// <summary>Rows and columns of the weights of a layer that a token passes.</summary>
    public IReadOnlyList<(long Out, long In)> LayerWeights =>
    [
        .. Linears.Where(l => l.Role == LinearRole.Layer).Concat(Linears.Where(l => l.Role == LinearRole.Expert).Take(ExpertsPerToken * MatricesOfExpert)).Select(l => (l.Out, l.In)),
    ];

    /// <summary>The norms of one layer, in the order of the decoder's slots.</summary>
    public required IReadOnlyList<NormShape> Norms { get; init; }

    /// <summary>The last norm.</summary>
    public required NormShape FinalNorm { get; init; }

    /// <summary>Elements of the table of positions; 0 without one.</summary>
    public long PositionWeights { get; init; }

    /// <summary>Experts of a layer; 0 without.</summary>
    public int Experts { get; init; }

    /// <summary>Experts that a token passes; 0 without.</summary>
    public int ExpertsPerToken { get; init; }

    /// <summary>Whether the MLP has a gate.</summary>
    public bool GatedMlp { get; init; } = true;

    /// <summary>Whether the matrices stand transposed in the checkpoint (GPT-2).</summary>
    public bool TransposedWeights { get; init; }

    /// <summary>Whether attention scores are capped, so that they are kept whole (Gemma 2).</summary>
    public bool HasAttentionSoftCap { get; init; }

    /// <summary>As <see cref="DecoderSpec.RopeFollowsLength"/>.</summary>
    internal bool RopeFollowsLength { get; init; }

    /// <summary>Whether the outputs of both blocks are normalised (Gemma 2).</summary>
    public bool NormAfterBlocks { get; init; }

    /// <summary>Whether query and key heads are normalised (Qwen 3).</summary>
    public bool NormQueryKey { get; init; }

    /// <summary>Whether the linear layers of a block read root-mean-square norms, which the own nodes compute again in the backward pass instead of keeping them.</summary>
    internal bool RemakesNorms { get; init; }

    /// <summary>Whether the MLP's last layer reads a gated activation of which the same is true.</summary>
    internal bool RemakesGated { get; init; }

    /// <summary>Names of the modules.</summary>
    public required DecoderNames Names { get; init; }

    /// <summary>Elements of the token table.</summary>
    public long EmbeddingWeights => Vocabulary * Hidden;

    /// <summary>Elements of the head, which a tied one shares with the token table.</summary>
    public long HeadWeights => Vocabulary * Hidden;

    /// <summary>Elements of the linear weights of all layers: what is quantized to 4 bits. Routers are not.</summary>
    public long LinearWeights => AllLinears.Where(l => l.Role != LinearRole.Router).Sum(l => l.Weights);

    /// <summary>Elements of the linear weights that a token is multiplied with: of the experts those that it passes.</summary>
    public long PassedWeights => AllLinears.Sum(l => l.Role == LinearRole.Expert ? l.Weights * ExpertsPerToken / Experts : l.Weights);

    /// <summary>Elements of the routers' weights.</summary>
    public long RouterWeights => AllLinears.Where(l => l.Role == LinearRole.Router).Sum(l => l.Weights);

    /// <summary>Elements of the biases of all layers.</summary>
    public long LinearBiases => AllLinears.Sum(l => l.HasBias ? l.Out : 0);

    /// <summary>Elements of all norms, weights and biases.</summary>
    public long NormWeights => Layers * Norms.Sum(n => n.Weights) + FinalNorm.Weights;

    /// <summary>Elements of the biases of all norms.</summary>
    public long NormBiases => Layers * Norms.Sum(n => n.Weights - n.Features) + FinalNorm.Weights - FinalNorm.Features;

    /// <summary>All parameters, a tied head counted once.</summary>
    public long Parameters => EmbeddingWeights + PositionWeights + (TiedHead ? 0 : HeadWeights) + LinearWeights + RouterWeights + LinearBiases + NormWeights;

    private IEnumerable<LinearShape> AllLinears => LayerLinears.SelectMany(l => l);

    /// <summary>What stays in 16 bits when the linear layers are quantized: token table, head, biases, norms.</summary>
    public long UnquantizedParameters => Parameters - LinearWeights;

    /// <summary>Width of all query heads together.</summary>
    public long QueryWidth => Heads * HeadSize;

    private const double MostWeights = 1e16;

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="ModelConfigException">The family is not known, or a size is missing.</exception>
    public static ModelShape Read(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config = SizesAlone(config);
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
        var hasBias = spec.Norm == NormKind.Layer;
        var experts = spec.Experts;
        var shape = new ModelShape
        {
            ModelType = spec.ModelType,
            Vocabulary = spec.VocabularySize,
            Hidden = spec.HiddenSize,
            Intermediate = experts is null ? spec.IntermediateSize : Math.Max(experts.PerToken * experts.IntermediateSize, spec.ExpertLayers.All(e => e) ? 0 : spec.IntermediateSize),
            Layers = spec.Layers,
            Heads = spec.Heads,
            KeyValueHeads = spec.KeyValueHeads,
            HeadSize = spec.HeadSize,
            MaxPositions = spec.MaxPositions,
            TiedHead = spec.TiedHead,
            AdaptableModules = DecoderModules.Of(spec),
            LayerLinears = [.. Enumerable.Range(0, spec.Layers).Select(i => spec.LinearsOf(i).Select(l => new LinearShape(l.Name, l.InFeatures, l.OutFeatures, l.HasBias, l.Role)).ToArray())],
            Norms = [.. spec.NormsOf().Select(n => new NormShape(n.Name, n.Features, hasBias))],
            FinalNorm = new NormShape(spec.Names.FinalNorm, spec.HiddenSize, hasBias),
            PositionWeights = spec.LearnedPositions ? spec.MaxPositions * spec.HiddenSize : 0,
            Experts = experts?.Count ?? 0,
            ExpertsPerToken = experts?.PerToken ?? 0,
            GatedMlp = spec.GatedMlp,
            TransposedWeights = spec.TransposedWeights,
            HasAttentionSoftCap = spec.AttentionSoftCap is not null,
            RopeFollowsLength = spec.RopeFollowsLength,
            NormAfterBlocks = spec.NormPlacement == NormPlacement.BeforeAndAfter,
            NormQueryKey = spec.QueryKeyNorm != QueryKeyNorm.None,
            RemakesNorms = spec.Norm == NormKind.RootMeanSquare && spec.NormPlacement != NormPlacement.After,
            RemakesGated = spec.GatedMlp && spec.Activation != Activation.Gelu,
            Names = spec.Names,
        };
        // Each size may be one that is believed, and all of them together none: sums must stay numbers.
        var weights = shape.AllLinears.Sum(l => (double)l.In * l.Out) + 2.0 * shape.Vocabulary * shape.Hidden + (double)spec.MaxPositions * (spec.LearnedPositions ? spec.HiddenSize : 0);
        return weights <= MostWeights ? shape : throw new ModelConfigException($"The configuration of this {spec.ModelType} model describes {weights:E1} weights, which no model has: see the sizes in its config.json.");
    }

    /// <summary>Elements of each tensor, a tied head's once.</summary>
    public IEnumerable<long> Tensors()
    {
        yield return EmbeddingWeights;
        if (PositionWeights > 0) yield return PositionWeights;
        if (!TiedHead) yield return HeadWeights;
        foreach (var linear in AllLinears)
        {
            yield return linear.Weights;
            if (linear.HasBias) yield return linear.Out;
        }
        foreach (var norm in Enumerable.Repeat(Norms, (int)Layers).SelectMany(n => n).Append(FinalNorm))
        {
            yield return norm.Features;
            if (norm.HasBias) yield return norm.Features;
        }
    }

    /// <summary>The modules as adapters see them: what <see cref="TargetMatcher"/> chooses targets from.</summary>
    public IReadOnlyList<AdaptableModule> Modules() => AdaptableModules;

    private IReadOnlyList<AdaptableModule> AdaptableModules { get; init; } = [];

    /// <summary>
    /// Floating-point operations for a token of training with a frozen base: 4·P_linear + 4·P_head·s + 7·T·heads·headSize·layers, with s the supervised share;
    /// adapters and recomputation are not counted; of experts, P_linear has those that a token passes. It is 543.2 M for SmolLM2-135M at length 512 and s = 0.5.
    /// </summary>
    /// <param name="length">Tokens of a row.</param>
    /// <param name="supervised">Share of the tokens that the loss counts, from 0 to 1.</param>
    public double FlopsPerToken(double length, double supervised) => 4.0 * PassedWeights + 4.0 * HeadWeights * supervised + 7.0 * length * QueryWidth * Layers;
}
