namespace LowRank.Optimizers;

/// <summary>How AdamW keeps its two moments.</summary>
public enum OptimizerKind
{
    /// <summary>Two fp32 numbers for each parameter: 8 bytes.</summary>
    AdamW,

    /// <summary>
    /// Two bytes for each parameter and two fp32 scales for each 256 of them (arXiv:2110.02861, as bitsandbytes' <c>AdamW8bit</c>): 2.03 bytes. A tensor of fewer than
    /// 4096 elements keeps fp32 moments.
    /// </summary>
    AdamW8Bit,
}
