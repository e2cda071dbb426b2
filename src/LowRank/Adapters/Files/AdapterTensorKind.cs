namespace LowRank.Adapters;

/// <summary>What a tensor of an adapter file is.</summary>
public enum AdapterTensorKind
{
    /// <summary>A of a linear layer, [rank, in] (<c>lora_A.weight</c>).</summary>
    LoraA,

    /// <summary>B of a linear layer, [out, rank] (<c>lora_B.weight</c>).</summary>
    LoraB,

    /// <summary>The bias of B, [out] (<c>lora_B.bias</c>, with <c>lora_bias</c>).</summary>
    LoraBBias,

    /// <summary>The lengths of the adapted weight's rows, [out] (<c>lora_magnitude_vector</c>, with DoRA).</summary>
    Magnitude,

    /// <summary>A of AdaLoRA, [kept rank, in] (<c>lora_A</c>).</summary>
    AdaLoraA,

    /// <summary>B of AdaLoRA, [out, kept rank] (<c>lora_B</c>).</summary>
    AdaLoraB,

    /// <summary>The singular values of AdaLoRA, [kept rank, 1] (<c>lora_E</c>).</summary>
    AdaLoraE,

    /// <summary>D of MiSS, [rank, out], [rank, columns] or [out / rank, rank, rank] (<c>miss_block</c>).</summary>
    MissBlock,

    /// <summary>The factors of (IA)³, [out, 1] or [1, in] (<c>ia3_l</c>).</summary>
    Ia3,

    /// <summary>Trained rows of an embedding or head, [tokens, width] (<c>token_adapter.trainable_tokens_delta</c>).</summary>
    TokenRows,

    /// <summary>A of an embedding, [rank, tokens] (<c>lora_embedding_A</c>).</summary>
    EmbeddingA,

    /// <summary>B of an embedding, [width, rank] (<c>lora_embedding_B</c>).</summary>
    EmbeddingB,

    /// <summary>A trained bias of the base, [out]: <c>base_layer.bias</c> of an adapted module, else <c>bias</c> (with <see cref="BiasTraining"/>).</summary>
    BaseBias,

    /// <summary>A tensor of a module that is saved whole (<c>modules_to_save</c>), under its name in the base.</summary>
    Saved,

    /// <summary>A copy of the frozen weight or bias of an adapted embedding or head (<c>base_layer.weight</c>), which PEFT stores beside its LoRA.</summary>
    BaseCopy,
}
