namespace LowRank.Layers;

/// <summary>What a linear layer of a model is for, as far as adapters and storage care.</summary>
public enum LinearRole
{
    /// <summary>A layer of an attention or MLP block that every token passes.</summary>
    Layer,

    /// <summary>The output head.</summary>
    Head,

    /// <summary>The router of a mixture of experts, computed in fp32 and never quantized.</summary>
    Router,

    /// <summary>A layer of one expert, which some tokens pass.</summary>
    Expert,
}
