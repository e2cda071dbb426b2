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

    /// <summary>Whether attention and MLP outputs are normalised too before they are added (Gemma 2).</summary>
    public bool NormAfterBlocks { get; init; }

    /// <summary>Whether each query and key head is normalised before rope (Qwen 3).</summary>
    public bool NormQueryKey { get; init; }

    /// <summary>Whether q, k and v projections have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the output projection of attention has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the MLP's projections have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The activation of the gate.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Rotary position embedding.</summary>
    public required RopeSpec Rope { get; init; }

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

    /// <summary>Whether the head multiplies by the token table.</summary>
    public required bool TiedHead { get; init; }

    /// <summary>Names of the modules in the checkpoint.</summary>
    public required DecoderNames Names { get; init; }

    /// <summary>Tokens that end a text, by <c>eos_token_id</c>.</summary>
    public IReadOnlyList<int> EndOfTextIds { get; init; } = [];

    /// <summary>The token that begins a text, or null.</summary>
    public int? BeginOfTextId { get; init; }
}
