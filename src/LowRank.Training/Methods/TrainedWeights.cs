using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Optimizers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Training.Checkpoints;
using static TorchSharp.torch;

namespace LowRank.Training.Methods;

/// <summary>What a run trains, and how it is written: the part of a run in which methods differ. The loop knows nothing else of them.</summary>
public abstract class TrainedWeights
{
    /// <summary>Creates the weights of a model.</summary>
    protected TrainedWeights(LanguageModel model) => Model = model;

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The name of the method.</summary>
    public abstract string Method { get; }

    /// <summary>The parameters, each once.</summary>
    public abstract IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>The source of dropout masks, or null.</summary>
    public virtual Dropout? Dropout => null;

    /// <summary>All parameters as PEFT's <c>print_trainable_parameters</c> counts them: the base and what was added to it.</summary>
    public abstract long AllParameters { get; }

    /// <summary>What a checkpoint keeps beside parameters and moments: flat tensors of fp32 or bytes by name.</summary>
    internal virtual IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor>();

    /// <summary>Gets ready for gradients that are multiplied before the optimizer's step, before the parameters are asked for.</summary>
    /// <returns>The pairs of matrices whose gradients these are.</returns>
    /// <exception cref="LowRankException">This method has no such pairs.</exception>
    internal virtual IReadOnlyList<LoraPair> Prepare(GradientPreconditioning preconditioning) => preconditioning == GradientPreconditioning.None ? []
        : throw new LowRankException($"The optimizer {OptimizerName.Of(preconditioning)} is for a LoRA or DoRA that is trained alone: it works on its matrices A and B. Take adamw.");

    /// <summary>A run begins whose parameters lie in <paramref name="flat"/>.</summary>
    internal virtual void Begin(FlatParameters flat, long totalSteps)
    {
    }

    /// <summary>Adds the gradient of what the method adds to the loss, once a step, before clipping.</summary>
    internal virtual void AddPenalty()
    {
    }

    /// <summary>The optimizer has taken step <paramref name="step"/>, counted from 0; the gradients are still there.</summary>
    internal virtual void AfterStep(long step)
    {
    }

    /// <summary><see cref="State"/> was read from a checkpoint.</summary>
    internal virtual void Restored()
    {
    }

    /// <summary>The run is over; the weights stay.</summary>
    internal virtual void End()
    {
    }

    /// <summary>Writes what other programs load (a PEFT adapter or a checkpoint) into a folder that is being made.</summary>
    public abstract void WriteInto(AtomicFolder folder, AdapterRecord record);
}
