using LowRank.Models;
using LowRank.Optimizers;
using LowRank.Training.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Packing;
using LowRank.Training.Planning;
using LowRank.Training.Settings;

namespace LowRank.Training.Starts;

/// <summary>What a run leaves open is chosen here, and each choice told with its reason.</summary>
internal static class RunOptions
{
    /// <summary>The settings with nothing left open, and the options of the loop.</summary>
    public static (TrainSettings Resolved, TrainerOptions Options) Of(TrainSettings settings, int threads, int maxLength, BatchOptions batches, ExampleSet examples, List<string> choices)
    {
        var training = settings.Optimization;
        var batchesInEpoch = new EpochSampler(examples.Examples, batches).BatchesInEpoch;
        var loop = new TrainerOptions { Epochs = training.Epochs, TotalSteps = training.MaxSteps, Accumulate = training.Accumulate, Batches = batches };
        var (perEpoch, steps) = (loop.StepsPerEpoch(batchesInEpoch), checked((int)loop.Steps(batchesInEpoch)));
        var rate = settings.Objective.LearningRateFor(settings);
        if (settings.Model.Threads is null) choices.Add($"threads {threads}: all processors");
        if (settings.Adapter is { Method: not "full", Alpha: null, Adapter: null }) choices.Add($"alpha {settings.Adapter.Rank}: the rank, so that the scaling is 1");
        if (training.LearningRate is null) choices.Add(FormattableString.Invariant($"learning-rate {rate:g3}: the default of {settings.Adapter.Method}{(settings.Objective.IsPreference ? ", a tenth of it for preferences" : "")}"));
        if (settings.Objective is { Beta: null, UsedBeta: { } beta }) choices.Add(FormattableString.Invariant($"beta {beta:g3}: the default of {settings.Objective.Objective}"));
        if (settings.Objective.Objective is "dpo" or "kto") choices.Add($"reference: the base model without its adapter{(settings.Adapter.Adapter is null ? "" : "; what the continued adapter had learned is no part of it (merge it first to have it so)")}; one forward pass for each {(settings.Objective.Objective == "kto" ? "answer when it is first met, a number of it kept" : "pair when it is first met, two numbers of it kept")}");
        if (settings.Objective.Objective == "kto") choices.Add($"judged answers: {examples.Examples.Count(e => e.IsGood == true)} good, {examples.Examples.Count(e => e.IsGood == false)} bad; --desirable-weight and --undesirable-weight balance them");
        if (training.Optimizer == "lorafa") choices.Add("optimizer lorafa: A stays as it starts, B alone is trained; epsilon 1e-6");
        if (training.Optimizer == "riemannian") choices.Add("optimizer riemannian: AdamW over gradients that are balanced between A and B");
        if (training.Optimizer is "adamw8bit" || training.Paged)
            choices.Add($"optimizer {training.Optimizer}{(training.Paged ? ", its moments in a mapped file: what a step moves is shown, nothing while memory is plentiful" : "")}");
        var (optimizer, preconditioning) = OptimizerName.Parse(training.Optimizer, training.WeightDecay);
        if (training.Plus is not null && preconditioning != GradientPreconditioning.None)
            throw new LowRankException($"--plus gives the matrices B another learning rate than A, and --optimizer {training.Optimizer} balances or freezes these itself. Leave one of the two out.");
        if (training.Plus is { } plus) choices.Add(FormattableString.Invariant($"plus {plus:g3} (LoRA+): B learns at {plus * rate:g3}, A at {rate:g3}, a LoRA on embeddings at {new LoraPlus(plus).EmbeddingLearningRate:g3}"));
        if (training.MaxSteps is null) choices.Add(FormattableString.Invariant($"max-steps {steps}: {training.Epochs} epochs of {perEpoch} steps"));
        if (settings.Output.SaveEvery is null) choices.Add($"save-every {Math.Min(perEpoch, steps)}: once an epoch");
        var resolved = settings with
        {
            Model = settings.Model with { Threads = threads },
            Data = settings.Data with { MaxLength = maxLength },
            Objective = settings.Objective with { Beta = settings.Objective.UsedBeta },
            Optimization = training with { LearningRate = rate, MaxSteps = steps },
            Evaluation = settings.Evaluation with { EvalEvery = settings.Evaluation.EvalEvery ?? perEpoch },
            Output = settings.Output with { SaveEvery = settings.Output.SaveEvery ?? perEpoch },
        };
        return (resolved, loop with
        {
            Output = Path.GetFullPath(settings.Output.Output),
            Objective = settings.Objective.ToOptions(settings),
            LearningRate = rate,
            Schedule = LearningRateSchedule.Parse(training.Schedule) with { WarmupSteps = training.Warmup >= 1 ? (int)training.Warmup : 0, WarmupRatio = training.Warmup < 1 ? training.Warmup : 0 },
            Preconditioning = preconditioning,
            Optimizer = optimizer with
            {
                Paging = training.Paged ? new OptimizerPaging(settings.Output.Output, settings.Memory.Memory is { } limit ? MemorySize.Parse(limit, "--memory") : null) : null,
            },
            Plus = training.Plus is { } ratio ? new LoraPlus(ratio) : null,
            MaxGradientNorm = training.MaxGradientNorm,
            Seed = training.Seed,
            EvaluateEvery = resolved.Evaluation.EvalEvery,
            SaveEvery = resolved.Output.SaveEvery,
            KeepCheckpoints = settings.Output.KeepCheckpoints,
            Portable = settings.Adapter.Portable,
            Patience = settings.Evaluation.Patience,
            Choices = choices,
        });
    }
}
