using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Runtime.Memory;
using LowRank.Training.Accumulation;
using LowRank.Training.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Methods;
using LowRank.Training.Monitoring;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using static TorchSharp.torch;

namespace LowRank.Training;

/// <summary>
/// The training loop, one for every method: batches, loss and gradient, clipping, AdamW, evaluation, checkpoints. It runs on a thread of its own
/// and tells what happens as events; no tensor leaves that thread. Use the model from elsewhere only after the run.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainedWeights weights;
    private readonly IReadOnlyList<Example> examples;
    private readonly IReadOnlyList<Example> validation;
    private readonly TrainerOptions options;
    private readonly EpochSampler sampler;
    private readonly Objective objective;
    private readonly FlatParameters flat;
    private readonly AdamW optimizer;
    private readonly LoraPreconditioner? preconditioner;
    private readonly AdapterRecord record;
    private readonly YoungObjects young = new();
    private TrainerState state;
    private Tensor? bestValues;
    private bool isCheckpointCurrent;

    /// <summary>Prepares a run at its first step. The trainer takes over the parameters' storage until it is disposed.</summary>
    /// <param name="weights">What is trained.</param>
    /// <param name="examples">What to learn from.</param>
    /// <param name="validation">Held-out examples; may be empty.</param>
    /// <param name="options">Steps, batches, rates.</param>
    public Trainer(TrainedWeights weights, IReadOnlyList<Example> examples, IReadOnlyList<Example> validation, TrainerOptions options)
    {
        (this.weights, this.examples, this.validation, this.options) = (weights, examples, validation, options);
        options.Schedule.Validate(options.LearningRate);
        // The ranks that are kept belong to the last values, not to those of an earlier step.
        if (options.Patience is not null && weights is LoraWeights { Adapter.Config: AdaLoraConfig { RankPattern: null } })
            throw new LowRankException("AdaLoRA cannot stop early: its ranks are shared out over all steps of the run. Leave --patience out, or take another --variant.");
        sampler = new EpochSampler(examples, options.Batches);
        objective = Objective.Of(weights, examples, validation, options);
        var pairs = weights.Prepare(options.Preconditioning);
        flat = new FlatParameters(weights.Parameters);
        if (pairs.Count > 0) preconditioner = new LoraPreconditioner(options.Preconditioning, flat, pairs);
        try
        {
            optimizer = new AdamW(flat, options.Optimizer, options.Plus?.Groups(flat.Parameters, options.LearningRate, options.Optimizer.WeightDecay));
        }
        catch
        {
            flat.Dispose();
            throw;
        }
        record = new AdapterRecord(weights.Model.Fingerprint, Quantization: weights.Model.Quantization);
        TotalSteps = options.Steps(sampler.BatchesInEpoch);
        weights.Begin(flat, TotalSteps);
        Gradient = new StepGradient(options);
        Guards = new RunGuards(GuardedRun.Of(weights, examples, validation, options), options.Silenced);
        state = new TrainerState { Step = 0, TotalSteps = TotalSteps, Cursor = sampler.Cursor, Parameters = [.. weights.Parameters.Select(p => p.Name)], Optimizer = OptimizerName.Of(options.Optimizer, options.Preconditioning) };
    }

    /// <summary>Optimizer steps taken.</summary>
    public long Step => state.Step;

    /// <summary>Optimizer steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>Sees every event on the trainer's thread, before it is handed out: for files, which must not depend on who reads.</summary>
    public IList<Action<TrainingEvent>> Sinks { get; } = [];

    /// <summary>Gives prompts with the model's answers, at each evaluation; null for none.</summary>
    public Func<IReadOnlyList<(string Prompt, string Answer)>>? Sampler { get; set; }

    /// <summary>What someone else has to say in the run's stream, asked for after each step; it gives null where there is nothing.</summary>
    internal Func<RunWarning?>? Notices { get; set; }

    /// <summary>Is called before a checkpoint is taken.</summary>
    internal Action? BeforeCheckpoint { get; set; }

    /// <summary>Looks at the machine while the run goes on; null for nobody. Whoever sets it disposes it.</summary>
    internal MachineMonitor? Monitor { get; set; }

    /// <summary>Sums the gradients of a step.</summary>
    internal StepGradient Gradient { get; }

    /// <summary>Who looks for mistakes before, in and behind the run.</summary>
    internal RunGuards Guards { get; }

    /// <summary>Goes on from a checkpoint, exactly: the steps that follow equal those of a run that was never interrupted.</summary>
    /// <exception cref="LowRankException">The checkpoint is damaged, or of other data, parameters or settings.</exception>
    public void Resume(string checkpoint)
    {
        state = TrainingCheckpoint.Restore(checkpoint, weights, flat, optimizer, OptimizerName.Of(options.Optimizer, options.Preconditioning));
        if (state.TotalSteps != TotalSteps)
            throw new LowRankException($"{checkpoint} is of a run of {state.TotalSteps} steps, the settings ask for {TotalSteps}. The learning rate depends on it: resume with the same.");
        sampler.Restore(state.Cursor);
        isCheckpointCurrent = true;
        if (options.Output is not null) TrainingCheckpoint.RemoveLeftovers(options.Output);
        if (options.Patience is null || state.BestLoss is null || options.Output is null) return;
        var best = TrainingCheckpoint.FolderOf(options.Output, state.BestStep);
        if (best == Path.GetFullPath(checkpoint) || !Directory.Exists(best)) KeepBest();
        else bestValues = TrainingCheckpoint.ReadValues(best, flat.Values).DetachFromDisposeScope();
    }

    /// <summary>
    /// Runs to the end. A cancelled run takes its last checkpoint and ends with <see cref="RunEnd.Cancelled"/> instead of an exception. Whoever stops
    /// enumerating cancels it too.
    /// </summary>
    /// <param name="cancellation">Ends the run after the step that is being taken.</param>
    /// <exception cref="LowRankException">The loss is no longer a number, or a file cannot be written.</exception>
    public async IAsyncEnumerable<TrainingEvent> TrainAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var channel = Channel.CreateUnbounded<TrainingEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var thread = new Thread(() =>
        {
            try
            {
                Run(e => channel.Writer.TryWrite(e), stop.Token);
                channel.Writer.Complete();
            }
            catch (Exception error)
            {
                channel.Writer.Complete(error);
            }
        })
        { IsBackground = true, Name = "LowRank training" };
        thread.Start();
        try
        {
            // Not with the token: the events of an orderly end are still to come.
            await foreach (var e in channel.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return e;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            thread.Join();
        }
    }

    /// <summary>Writes what was trained: a PEFT adapter, or a checkpoint with full fine-tuning.</summary>
    /// <param name="folder">The folder to create; it must not exist, or be empty. It appears whole or not at all.</param>
    /// <exception cref="LowRankException">The folder exists, or the disk is full.</exception>
    public void Save(string folder)
    {
        using var target = AtomicFolder.Create(folder);
        weights.WriteInto(target, record);
        target.Commit();
    }

    /// <summary>Runs to the end on the calling thread.</summary>
    internal void Run(Action<TrainingEvent> emit, CancellationToken cancellation)
    {
        void Tell(TrainingEvent e)
        {
            var numbered = e with { Step = state.Step };
            foreach (var sink in Sinks) sink(numbered);
            emit(numbered);
            foreach (var warning in Guards.During(numbered) ?? []) Tell(warning);
        }

        var found = Guards.Before();
        var clock = Stopwatch.StartNew();
        var pace = new Pace();
        Tell(Started());
        foreach (var warning in found) Tell(warning);
        if (state.Step == 0 && options.AnswersFirst && Sampler is { } ask) Tell(new AnswersSampled { Samples = ask() });
        Monitor?.Start();
        var end = RunEnd.Finished;
        while (state.Step < TotalSteps)
        {
            if (cancellation.IsCancellationRequested)
            {
                end = RunEnd.Cancelled;
                break;
            }
            if (Gradient.Shortage() is { } shortage)
            {
                Save(Tell);
                throw new LowRankException(shortage);
            }
            Tell(TakeStep(pace, Tell));
            while (Monitor?.Take() is { } seen) Tell(seen);
            while (Notices?.Invoke() is { } notice) Tell(notice);
            var isLast = state.Step == TotalSteps;
            if (validation.Count > 0 && (isLast || options.EvaluateEvery is { } every && state.Step % every == 0))
            {
                var evaluation = Evaluate();
                Tell(evaluation);
                if (evaluation.IsBest && options.Patience is not null) Save(Tell);
                if (state.EvaluationsSinceBest >= (options.Patience ?? int.MaxValue))
                {
                    end = RunEnd.StoppedEarly;
                    break;
                }
            }
            if (options.SaveEvery is { } interval && state.Step % interval == 0) Save(Tell);
        }
        if (end == RunEnd.Cancelled) Save(Tell);
        else Finish();
        var peak = ProcessMemory.Read().PeakResidentBytes;
        Monitor?.End();
        // libtorch keeps what it once took of a GPU, so the highest of the samples is the peak.
        if (Monitor?.OwnGpuPeakBytes is { } onGpu) peak = onGpu;
        while (Monitor?.Take() is { } seen) Tell(seen);
        foreach (var warning in Guards.After()) Tell(warning);
        Tell(new RunCompleted
        {
            End = end,
            Folder = options.Output ?? "",
            TrainLoss = state.EpochTokens == 0 ? double.NaN : state.EpochLoss / state.EpochTokens,
            BestValidationLoss = state.BestLoss,
            Elapsed = clock.Elapsed,
            TokensPerSecond = pace.TokensPerSecond,
            PeakBytes = peak,
            PredictedPeakBytes = options.PredictedPeakBytes,
        });
    }

    // One optimizer step: the gradient of all micro-batches per term of the loss (a supervised token, or a pair) of them all, clipped, applied.
    private StepCompleted TakeStep(Pace pace, Action<TrainingEvent> tell)
    {
        var start = Stopwatch.GetTimestamp();
        var micro = new Batch[options.Accumulate];
        var epoch = sampler.Epoch;
        for (var i = 0; i < micro.Length; i++) micro[i] = sampler.Next();
        long supervised = micro.Sum(b => (long)b.SupervisedTokens), tokens = micro.Sum(b => (long)b.Tokens);
        var totals = objective.Totals(micro);
        var (loss, preferences) = Accumulate(micro, totals, tell);
        weights.AddPenalty();
        var norm = options.MaxGradientNorm > 0 ? flat.ClipGradientNorm(options.MaxGradientNorm) : flat.GradientNorm();
        if (!double.IsFinite(loss) || !double.IsFinite(norm)) throw NotFinite(loss, norm);
        Guards.SeeGradients(flat);
        var rate = options.Schedule.At(checked((int)state.Step), checked((int)TotalSteps), options.LearningRate);
        preconditioner?.Apply();
        optimizer.Step(rate);
        weights.AfterStep(state.Step);
        flat.ZeroGradients();

        var sameEpoch = epoch == state.Cursor.Epoch && state.Cursor.Batch > 0;
        state = state with
        {
            Step = state.Step + 1,
            Cursor = sampler.Cursor,
            EpochLoss = (sameEpoch ? state.EpochLoss : 0) + loss,
            EpochTokens = (sameEpoch ? state.EpochTokens : 0) + totals.Terms,
            Tokens = state.Tokens + tokens,
        };
        isCheckpointCurrent = false;
        young.CollectIfDue();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        pace.Add(seconds, tokens);
        var memory = ProcessMemory.Read();
        return new StepCompleted
        {
            Loss = loss / Math.Max(1, totals.Terms),
            Preference = preferences.ToMetrics(),
            LearningRate = rate,
            GradientNorm = norm,
            Epoch = sampler.Epoch + (double)sampler.BatchInEpoch / sampler.BatchesInEpoch,
            Tokens = tokens,
            SupervisedTokens = supervised,
            TokensPerSecond = tokens / seconds,
            ResidentBytes = memory.ResidentBytes,
            PeakBytes = memory.PeakResidentBytes,
            Paging = optimizer.Traffic,
            TimeLeft = pace.TimeFor(TotalSteps - state.Step),
        };
    }

    // Without memory for it, the step that was begun never happened: the checkpoint is of the one before.
    private BatchLoss Accumulate(Batch[] micro, StepTotals totals, Action<TrainingEvent> tell)
    {
        try
        {
            return Gradient.Compute(micro, (batch, number) =>
            {
                using var dropping = weights.Dropout?.Activate(options.Seed, state.Step, number);
                return objective.Backward(batch, new StepPlace(totals, state.Step, number));
            }, flat.ZeroGradients);
        }
        catch (LowRankException error) when (OutOfMemory.Is(error))
        {
            Save(tell);
            throw;
        }
        finally
        {
            while (Gradient.TakeNotice() is { } notice) tell(notice);
        }
    }

    private EvaluationCompleted Evaluate()
    {
        var result = objective.Evaluate(validation, options.Batches);
        var isBest = state.BestLoss is not { } best || result.Loss < best;
        state = isBest
            ? state with { BestLoss = result.Loss, BestStep = state.Step, EvaluationsSinceBest = 0 }
            : state with { EvaluationsSinceBest = state.EvaluationsSinceBest + 1 };
        isCheckpointCurrent = false;
        if (isBest && options.Patience is not null) KeepBest();
        return new EvaluationCompleted { Loss = result.Loss, IsBest = isBest, Preference = result.Preferences.ToMetrics(), Samples = Sampler?.Invoke() ?? [] };
    }

    private void KeepBest()
    {
        using var noGrad = no_grad();
        bestValues ??= empty_like(flat.Values).DetachFromDisposeScope();
        bestValues.copy_(flat.Values);
    }

    private void Save(Action<TrainingEvent> tell)
    {
        if (options.Output is null || isCheckpointCurrent) return;
        BeforeCheckpoint?.Invoke();
        var folder = TrainingCheckpoint.Save(options.Output, state, weights, flat, optimizer, record, options.KeepCheckpoints, options.Patience is null || state.BestLoss is null ? null : state.BestStep);
        isCheckpointCurrent = true;
        tell(new CheckpointSaved(folder));
    }

    // With early stopping the best values are the result, else the last.
    private void Finish()
    {
        if (bestValues is not null)
        {
            using var noGrad = no_grad();
            flat.Values.copy_(bestValues);
            TrainableParameter.Changed();
        }
        if (options.Output is not null) FinalFiles.Write(options.Output, weights, record, options.Portable);
    }

    private RunStarted Started() => new()
    {
        TrainableParameters = flat.Count,
        AllParameters = weights.AllParameters,
        TotalSteps = TotalSteps,
        Epochs = (double)TotalSteps * options.Accumulate / sampler.BatchesInEpoch,
        Examples = examples.Count,
        ValidationExamples = validation.Count,
        PredictedPeakBytes = options.PredictedPeakBytes,
        FirstExample = [.. DatasetPreview.Row(examples[0], weights.Model.Tokenizer).Runs.Select(r => (r.Text, r.Supervised))],
        Choices = options.Choices,
    };

    private LowRankException NotFinite(double loss, double norm)
    {
        var kept = options.Output is null ? null : TrainingCheckpoint.Newest(options.Output);
        return new LowRankException($"The loss at step {state.Step + 1} is {loss}, the gradient's norm {norm}: training has diverged. " +
            (kept is null ? "No checkpoint was taken yet. " : $"The last good checkpoint is {kept}. ") +
            FormattableString.Invariant($"Lower --learning-rate (it was {options.LearningRate:g3}) or --alpha, raise --warmup, and keep --max-grad-norm at 1. If it is so from the first step, weights of the model or the adapter hold NaN or values that are too large."))
        { GuardId = GuardIds.LossNotFinite };
    }

    /// <summary>Frees optimizer state, gradients and the memory that steps had in common. The parameters keep their values.</summary>
    public void Dispose()
    {
        bestValues?.Dispose();
        weights.End();
        optimizer.Dispose();
        flat.Dispose();
        BlockPool.Trim();
    }
}
