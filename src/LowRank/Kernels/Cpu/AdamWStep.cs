namespace LowRank.Kernels.Cpu;

/// <summary>The numbers of one AdamW step for one parameter group, rounded to fp32 where torch rounds them.</summary>
internal readonly struct AdamWStep
{
    /// <summary>Computes them.</summary>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="learningRate">The group's learning rate.</param>
    /// <param name="weightDecay">The group's decay.</param>
    /// <param name="step">The step, counted from 1.</param>
    public AdamWStep(Optimizers.AdamWSettings settings, double learningRate, double weightDecay, long step)
    {
        (Beta1, OneMinusBeta1) = ((float)settings.Beta1, (float)(1 - settings.Beta1));
        (Beta2, OneMinusBeta2) = ((float)settings.Beta2, (float)(1 - settings.Beta2));
        StepSize = (float)(learningRate / (1 - Math.Pow(settings.Beta1, step)));
        RootCorrection = (float)Math.Sqrt(1 - Math.Pow(settings.Beta2, step));
        Keep = (float)(1 - learningRate * weightDecay);
        Epsilon = (float)settings.Epsilon;
        if (settings.Form == Optimizers.AdamWForm.Torch) return;
        // The same update in torch's terms, so that one kernel serves both: what the correction is to divide ε by, and what a decay after the step takes from the step.
        Epsilon = (float)(settings.Epsilon / Math.Sqrt(1 - Math.Pow(settings.Beta2, step)));
        StepSize = (float)(learningRate * (1 - learningRate * weightDecay) / (1 - Math.Pow(settings.Beta1, step)));
    }

    /// <summary>β₁.</summary>
    public float Beta1 { get; }

    /// <summary>1 − β₁.</summary>
    public float OneMinusBeta1 { get; }

    /// <summary>β₂.</summary>
    public float Beta2 { get; }

    /// <summary>1 − β₂.</summary>
    public float OneMinusBeta2 { get; }

    /// <summary>Learning rate ÷ (1 − β₁ᵗ).</summary>
    public float StepSize { get; }

    /// <summary>√(1 − β₂ᵗ).</summary>
    public float RootCorrection { get; }

    /// <summary>1 − learning rate · decay: what is left of a value before the step.</summary>
    public float Keep { get; }

    /// <summary>ε.</summary>
    public float Epsilon { get; }
}
