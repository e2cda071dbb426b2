namespace LowRank.Models.Decoder;

/// <summary>Where a layer normalises: what its attention and MLP read, what they give before it is added, or both.</summary>
public enum NormPlacement
{
    /// <summary>What they read (Llama and most families).</summary>
    Before,

    /// <summary>What they give (OLMo 2).</summary>
    After,

    /// <summary>Both (Gemma 2 and 3).</summary>
    BeforeAndAfter,
}
