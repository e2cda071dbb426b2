using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models;
using LowRank.Optimizers;
using LowRank.Training.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Packing;

namespace LowRank.Training.SideBySide;

/// <summary>What one adapter has for itself: its order of the data, its gradients, its optimizer, its learning rate.</summary>
internal sealed class SideBySideRun : IDisposable
{
    private readonly TrainedWeights weights;
    private readonly EpochSampler sampler;
    private readonly FlatParameters flat;
    private readonly AdamW optimizer;
    private readonly AdapterRecord record;

    public SideBySideRun(LanguageModel model, SideBySideAdapter adapter, IReadOnlyList<Example> examples)
    {
        (Name, Options) = (adapter.Name, adapter.Options);
        Options.Schedule.Validate(Options.LearningRate);
        sampler = new EpochSampler(examples, Options.Batches);
        TotalSteps = Options.Steps(sampler.BatchesInEpoch);
        weights = new HeldAdapterWeights(model, Name, model.Adapters!.Add(Name, adapter.Config, Options.Seed));
        weights.Prepare(Options.Preconditioning);
        flat = new FlatParameters(weights.Parameters);
        optimizer = new AdamW(flat, Options.Optimizer, Options.Plus?.Groups(flat.Parameters, Options.LearningRate, Options.Optimizer.WeightDecay));
        record = new AdapterRecord(model.Fingerprint, Quantization: model.Quantization);
    }

    /// <summary>The adapter's name.</summary>
    public string Name { get; }

    /// <summary>How it is trained.</summary>
    public TrainerOptions Options { get; }

    /// <summary>Steps of the whole run, on which the learning rate depends.</summary>
    public long TotalSteps { get; }

    /// <summary>Steps taken.</summary>
    public long Step { get; private set; }

    /// <summary>Parameters that are trained.</summary>
    public long Trainable => flat.Count;

    /// <summary>Whether loss or gradient are no longer numbers.</summary>
    public bool HasDiverged { get; private set; }

    /// <summary>The micro-batches of the next step.</summary>
    public Batch[] Next() => [.. Enumerable.Range(0, Options.Accumulate).Select(_ => sampler.Next())];

    /// <summary>Applies the gradients that have come together, as <see cref="Trainer"/> does.</summary>
    public SideBySideStep Apply(double loss, long supervised, long tokens)
    {
        var norm = Options.MaxGradientNorm > 0 ? flat.ClipGradientNorm(Options.MaxGradientNorm) : flat.GradientNorm();
        HasDiverged = !double.IsFinite(loss) || !double.IsFinite(norm);
        if (!HasDiverged)
        {
            optimizer.Step(Options.Schedule.At(checked((int)Step), checked((int)TotalSteps), Options.LearningRate));
            Step++;
        }
        flat.ZeroGradients();
        return new SideBySideStep(Name, Step, loss / Math.Max(1, supervised), norm, tokens);
    }

    /// <summary>Keeps all that is needed to go on exactly, and the one before: whoever is stopped while several are kept goes on from the earlier ones.</summary>
    public void Keep(string folder) => TrainingCheckpoint.Save(folder, new TrainerState
    {
        Step = Step,
        TotalSteps = TotalSteps,
        Cursor = sampler.Cursor,
        Parameters = [.. flat.Parameters.Select(p => p.Name)],
        Optimizer = OptimizerName.Of(optimizer.Kind),
    }, weights, flat, optimizer, record, keep: 2, alsoKeepStep: null);

    /// <summary>Goes on from what was kept at a step.</summary>
    public void Restore(string folder, long step)
    {
        var checkpoint = TrainingCheckpoint.FolderOf(folder, step);
        var state = TrainingCheckpoint.Restore(checkpoint, weights, flat, optimizer);
        if (state.TotalSteps != TotalSteps) throw new LowRankException($"{checkpoint} is of a run of {state.TotalSteps} steps, the settings ask for {TotalSteps}. Take the same, or another folder.");
        TrainingCheckpoint.RemoveLeftovers(folder);
        sampler.Restore(state.Cursor);
        Step = state.Step;
    }

    /// <summary>Writes the adapter in PEFT's form; the folder appears whole or not at all.</summary>
    public void Save(string folder)
    {
        using var target = AtomicFolder.Create(folder);
        weights.WriteInto(target, record);
        target.Commit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        flat.Dispose();
    }
}
