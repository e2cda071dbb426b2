namespace LowRank.Models.Decoder;

/// <summary>
/// What distinguishes one decoder-only transformer from another: sizes, norms, rope, windows, caps, multipliers. A family of models
/// (<c>Families/</c>) maps its <c>config.json</c> to a spec; <see cref="CausalLM"/> is built from it and knows no family.
/// </summary>
public sealed record DecoderSpec
{
    /// <summary>The family, as <c>model_type</c> in <c>config.json</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required long VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required long HiddenSize { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required long IntermediateSize { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required long Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required long KeyValueHeads { get; init; }

    /// <summary>Width of a head. It need not be hidden / heads.</summary>
    public required long HeadSize { get; init; }

    /// <summary>Tokens of context that the model was made for.</summary>
    public required long MaxPositions { get; init; }

    /// <summary>ε of the norms.</summary>
    public required double NormEpsilon { get; init; }

    /// <summary>Whether norms multiply by 1 + weight (Gemma).</summary>
    public bool NormUnitOffset { get; init; }

    /// <summary>The kind of the norms.</summary>
    public NormKind Norm { get; init; }

    /// <summary>What is normalised.</summary>
    public NormPlacement NormPlacement { get; init; }

    /// <summary>How queries and keys are normalised before rope.</summary>
    public QueryKeyNorm QueryKeyNorm { get; init; }

    /// <summary>Whether q, k and v are one projection, in this order.</summary>
    public bool FusedQueryKeyValue { get; init; }

    /// <summary>Whether gate and up are one projection, in this order.</summary>
    public bool FusedGateUp { get; init; }

    /// <summary>Whether the MLP is down(act(gate) · up); without it is down(act(up)).</summary>
    public bool GatedMlp { get; init; } = true;

    /// <summary>Whether the checkpoint has the matrices of the layers as <c>[in, out]</c> (GPT-2's <c>Conv1D</c>).</summary>
    public bool TransposedWeights { get; init; }

    /// <summary>Whether q, k and v projections have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the output projection of attention has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the MLP's projections have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The activation of the gate, or of up where there is no gate.</summary>
    public required Activation Activation { get; init; }

    /// <summary>By layer: rotary position embedding, or null for a layer without.</summary>
    public required IReadOnlyList<RopeSpec?> Ropes { get; init; }

    /// <summary>Whether some rope takes other frequencies for long sequences than for short ones.</summary>
    internal bool RopeFollowsLength => Ropes.Any(r => r?.Scaling.ShortContext is not null);

    /// <summary>Whether a vector for each position, learned, is added to the token's (GPT-2).</summary>
    public bool LearnedPositions { get; init; }

    /// <summary>By layer: number of latest positions (itself included) that a token sees, or null for all.</summary>
    public required IReadOnlyList<int?> Windows { get; init; }

    /// <summary>Factor of the attention scores, before soft cap and mask.</summary>
    public required double AttentionScale { get; init; }

    /// <summary>c in c·tanh(score / c), or null.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary>c in c·tanh(logit / c), or null.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary>Factor of the token vectors (Gemma: the root of the hidden size).</summary>
    public double EmbeddingMultiplier { get; init; } = 1;

    /// <summary>Factor of what attention and MLP give before it is added (Granite).</summary>
    public double ResidualMultiplier { get; init; } = 1;

    /// <summary>Divisor of the logits (Granite).</summary>
    public double LogitDivisor { get; init; } = 1;

    /// <summary>The mixture of experts of the layers that <see cref="ExpertLayers"/> names, or null.</summary>
    public ExpertsSpec? Experts { get; init; }

    /// <summary>By layer: whether it has experts in place of an MLP. Empty without <see cref="Experts"/>.</summary>
    public IReadOnlyList<bool> ExpertLayers { get; init; } = [];

    /// <summary>Whether the head multiplies by the token table.</summary>
    public required bool TiedHead { get; init; }

    /// <summary>Names of the modules in the checkpoint.</summary>
    public required DecoderNames Names { get; init; }

    /// <summary>Tokens that end a text, by <c>eos_token_id</c>.</summary>
    public IReadOnlyList<int> EndOfTextIds { get; init; } = [];

    /// <summary>The token that begins a text, or null.</summary>
    public int? BeginOfTextId { get; init; }
}
