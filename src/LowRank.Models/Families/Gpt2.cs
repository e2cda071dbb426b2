using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>GPT-2: learned positions instead of rope, LayerNorm, biases everywhere, q, k and v in one projection, matrices stored as [in, out].</summary>
internal sealed class Gpt2 : IModelFamily
{
    /// <inheritdoc/>
    public string ModelType => "gpt2";

    /// <inheritdoc/>
    public DecoderSpec Read(ModelConfig config)
    {
        CommonFields.Refuse(config, "add_cross_attention");
        CommonFields.Refuse(config, "scale_attn_by_inverse_layer_idx");
        long hidden = config.Size("n_embd"), heads = config.Size("n_head", CommonFields.MostHeads);
        var layers = (int)config.Size("n_layer", CommonFields.MostLayers);
        if (hidden % heads != 0) throw new ModelConfigException($"{config.Source}: {heads} heads, \"n_embd\" {hidden}: heads must divide \"n_embd\".");
        return new DecoderSpec
        {
            ModelType = ModelType,
            VocabularySize = config.Size("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = config.SizeOr("n_inner", 4 * hidden, 4 * ModelConfig.LargestSize),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / heads,
            MaxPositions = config.SizeOr("n_positions", 1024),
            Norm = NormKind.Layer,
            NormEpsilon = config.Number("layer_norm_epsilon") ?? 1e-5,
            QueryKeyValueBias = true,
            AttentionOutputBias = true,
            MlpBias = true,
            GatedMlp = false,
            FusedQueryKeyValue = true,
            TransposedWeights = true,
            LearnedPositions = true,
            Activation = config.Text("activation_function") is null ? Activation.GeluTanh : CommonFields.ReadActivation(config, "activation_function"),
            Ropes = new RopeSpec?[layers],
            Windows = new int?[layers],
            AttentionScale = config.Flag("scale_attn_weights") == false ? 1 : 1 / Math.Sqrt(hidden / heads),
            TiedHead = config.Flag("tie_word_embeddings") ?? true,
            Names = new DecoderNames
            {
                Embedding = "transformer.wte",
                Positions = "transformer.wpe",
                Layer = "transformer.h.{0}",
                FinalNorm = "transformer.ln_f",
                QueryKeyValue = "attn.c_attn",
                AttentionOutput = "attn.c_proj",
                Up = "mlp.c_fc",
                Down = "mlp.c_proj",
                NormBeforeAttention = "ln_1",
                NormBeforeMlp = "ln_2",
            },
            EndOfTextIds = config.Ids("eos_token_id"),
            BeginOfTextId = config.Ids("bos_token_id") is [var first, ..] ? first : null,
        };
    }
}
