namespace LowRank.Optimizers;

/// <summary>The two usual formulas of an AdamW step, which differ in where epsilon and the decay stand.</summary>
public enum AdamWForm
{
    /// <summary>torch's <c>AdamW</c>: <c>w ← w (1 − η λ) − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)</c>.</summary>
    Torch,

    /// <summary>
    /// That of earlier transformers, which PEFT's LoRA-FA has: epsilon is added before the second moment is corrected, and the decay comes after the step,
    /// <c>w ← (w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)) (1 − η λ)</c>.
    /// </summary>
    Transformers,
}
