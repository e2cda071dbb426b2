using LowRank.Optimizers;

namespace LowRank.Training.Checkpoints;

/// <summary>An optimizer as it is named on the command line and in a checkpoint: how its moments are kept, or what happens to the gradients before them.</summary>
internal static class OptimizerName
{
    /// <summary>The name of an optimizer's settings.</summary>
    public static string Of(AdamWSettings settings, GradientPreconditioning preconditioning) => preconditioning == GradientPreconditioning.None ? Of(settings.Kind) : Of(preconditioning);

    /// <summary>The name of a way to keep moments.</summary>
    public static string Of(OptimizerKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>The name of a preconditioning.</summary>
    public static string Of(GradientPreconditioning preconditioning) => preconditioning.ToString().ToLowerInvariant();

    /// <summary>What a name stands for.</summary>
    /// <param name="name">One of the choices of <c>--optimizer</c>.</param>
    /// <param name="weightDecay">The decay of the step.</param>
    public static (AdamWSettings Settings, GradientPreconditioning Preconditioning) Parse(string name, double weightDecay) => name switch
    {
        // With epsilon and decay as PEFT's LoRA-FA has them.
        "lorafa" => (new AdamWSettings(Epsilon: 1e-6, WeightDecay: weightDecay) { Form = AdamWForm.Transformers }, GradientPreconditioning.LoraFa),
        "riemannian" => (new AdamWSettings(WeightDecay: weightDecay), GradientPreconditioning.Riemannian),
        _ => (new AdamWSettings(WeightDecay: weightDecay) { Kind = Enum.Parse<OptimizerKind>(name, ignoreCase: true) }, GradientPreconditioning.None),
    };
}
