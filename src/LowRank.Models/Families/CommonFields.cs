using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>What the configurations of most families say in the same words. A family begins with this and states what differs.</summary>
internal static class CommonFields
{
    /// <summary>The most layers that are believed; the deepest models have some hundred.</summary>
    public const long MostLayers = 10_000;

    /// <summary>The most heads, and dimensions of a head, that are believed.</summary>
    public const long MostHeads = 1 << 16;

    /// <summary>A spec with sizes, rope, activation and ends of text read; no biases, no windows, scores scaled by the root of the head's size.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="defaultHeadSize">Head size where <c>head_dim</c> is absent; by default hidden / heads.</param>
    /// <param name="defaultTied">Whether the head is tied where <c>tie_word_embeddings</c> is absent.</param>
    /// <param name="defaultTheta">The rope's base where the configuration has none.</param>
    /// <param name="defaultRotated">The share of a head's dimensions that rope rotates where <c>partial_rotary_factor</c> is absent.</param>
    public static DecoderSpec Read(ModelConfig config, long? defaultHeadSize = null, bool defaultTied = false, double defaultTheta = 10000, double defaultRotated = 1)
    {
        long hidden = config.Size("hidden_size"), heads = config.Size("num_attention_heads", MostHeads);
        var size = config.SizeOr("head_dim", defaultHeadSize ?? hidden / heads, MostHeads);
        var layers = (int)config.Size("num_hidden_layers", MostLayers);
        var keyValueHeads = config.SizeOr("num_key_value_heads", heads, MostHeads);
        if (heads % keyValueHeads != 0)
            throw new ModelConfigException($"{config.Source}: {heads} heads, {keyValueHeads} key-value heads: key-value heads must divide heads.");
        return new DecoderSpec
        {
            ModelType = config.ModelType,
            VocabularySize = config.Size("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = config.Size("intermediate_size"),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = size,
            MaxPositions = config.SizeOr("max_position_embeddings", 2048, int.MaxValue),
            NormEpsilon = config.Number("rms_norm_eps") ?? 1e-6,
            Activation = ReadActivation(config, "hidden_activation", "hidden_act"),
            Ropes = [.. Enumerable.Repeat(RopeReader.Read(config, size, defaultTheta, defaultRotated), layers)],
            Windows = new int?[layers],
            AttentionScale = 1 / Math.Sqrt(size),
            TiedHead = config.Flag("tie_word_embeddings") ?? defaultTied,
            Names = new DecoderNames(),
            EndOfTextIds = config.Ids("eos_token_id"),
            BeginOfTextId = config.Ids("bos_token_id") is [var first, ..] ? first : null,
        };
    }

    /// <summary>
    /// Windows by layer: from <c>layer_types</c> where the configuration has them, else from <paramref name="isSliding"/>. All null where there is no window.
    /// </summary>
    public static IReadOnlyList<int?> Windows(ModelConfig config, int layers, long? window, Func<int, bool> isSliding)
    {
        var result = new int?[layers];
        var types = config.Texts("layer_types");
        if (types is not null && types.Count != layers)
            throw new ModelConfigException($"{config.Source}: \"layer_types\" has {types.Count} entries, \"num_hidden_layers\" is {layers}.");
        for (var i = 0; i < layers; i++)
        {
            var sliding = types is null ? isSliding(i) : types[i] switch
            {
                "sliding_attention" => true,
                "full_attention" => false,
                var other => throw new ModelConfigException($"{config.Source}: the layer type \"{other}\" is not supported."),
            };
            if (sliding) result[i] = window is { } w ? (int)Math.Clamp(w, 0, int.MaxValue) : throw new ModelConfigException($"{config.Source}: layer {i} slides, but \"sliding_window\" is missing.");
        }
        return result;
    }

    /// <summary>The activation under the first of these keys that is there; silu where none is.</summary>
    public static Activation ReadActivation(ModelConfig config, params string[] keys) =>
        keys.Select(config.Text).FirstOrDefault(v => v is not null) switch
        {
            null or "silu" or "swish" => Activation.Silu,
            "gelu_pytorch_tanh" or "gelu_new" => Activation.GeluTanh,
            "gelu" => Activation.Gelu,
            var other => throw new ModelConfigException($"{config.Source}: the activation \"{other}\" is not supported. LowRank knows silu, gelu, gelu_new and gelu_pytorch_tanh."),
        };

    /// <summary>Refuses what a flag asks for and LowRank does not compute.</summary>
    /// <exception cref="ModelConfigException">The flag is set.</exception>
    public static void Refuse(ModelConfig config, string flag)
    {
        if (config.Flag(flag) == true) throw new ModelConfigException($"{config.Source}: \"{flag}\" is true, which is not supported for {config.ModelType} models. Take a model without it.");
    }
}
