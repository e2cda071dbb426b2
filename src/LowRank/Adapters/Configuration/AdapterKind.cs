namespace LowRank.Adapters;

/// <summary>The kinds of adapters, by PEFT's <c>peft_type</c>.</summary>
public enum AdapterKind
{
    /// <summary>LoRA and DoRA (<c>LORA</c>): <see cref="LoraConfig"/>.</summary>
    Lora,

    /// <summary>AdaLoRA (<c>ADALORA</c>): <see cref="AdaLoraConfig"/>.</summary>
    AdaLora,

    /// <summary>MiSS (<c>MISS</c>): <see cref="MissConfig"/>.</summary>
    Miss,

    /// <summary>(IA)³ (<c>IA3</c>): <see cref="Ia3Config"/>.</summary>
    Ia3,
}
