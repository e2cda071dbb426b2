namespace LowRank.Adapters;

/// <summary>Which biases of the base model are trained beside the adapter (PEFT's <c>bias</c>).</summary>
public enum BiasTraining
{
    /// <summary>None (<c>none</c>, the default).</summary>
    None,

    /// <summary>Every bias of the model, those of norms included (<c>all</c>).</summary>
    All,

    /// <summary>The biases of the adapted modules (<c>lora_only</c>).</summary>
    LoraOnly,
}
