namespace LowRank.Optimizers;

/// <summary>The courses a learning rate can take, by the names that transformers gives them (<c>lr_scheduler_type</c>).</summary>
public enum LearningRateScheduleKind
{
    /// <summary><c>linear</c>: falls on a line to 0 at the last step.</summary>
    Linear,

    /// <summary><c>cosine</c>: falls on half a cosine wave to 0.</summary>
    Cosine,

    /// <summary><c>cosine_with_restarts</c>: several half waves, each from the full rate.</summary>
    CosineWithRestarts,

    /// <summary><c>polynomial</c>: falls with a power of what remains to an end rate.</summary>
    Polynomial,

    /// <summary><c>constant</c>: the full rate in every step; warm-up is ignored.</summary>
    Constant,

    /// <summary><c>constant_with_warmup</c>: the full rate after the warm-up.</summary>
    ConstantWithWarmup,

    /// <summary><c>inverse_sqrt</c>: falls with the root of the step.</summary>
    InverseSqrt,

    /// <summary><c>cosine_with_min_lr</c>: half a cosine wave to a rate above 0.</summary>
    CosineWithMinLr,

    /// <summary><c>cosine_warmup_with_min_lr</c>: the same one step earlier, with a warm-up that does not begin at 0.</summary>
    CosineWarmupWithMinLr,

    /// <summary><c>warmup_stable_decay</c>: warm-up, the full rate, then a fall in the last steps.</summary>
    WarmupStableDecay,
}
