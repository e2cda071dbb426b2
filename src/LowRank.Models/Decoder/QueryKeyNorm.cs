namespace LowRank.Models.Decoder;

/// <summary>How queries and keys are normalised before rope.</summary>
public enum QueryKeyNorm
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Each head for itself, with one weight for all heads (Qwen 3, Gemma 3).</summary>
    EachHead,

    /// <summary>All heads together (OLMo 2).</summary>
    AllHeads,
}
