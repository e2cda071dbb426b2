using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Methods;
using LowRank.Training.Packing;
using LowRank.Training.Quickstart;
using LowRank.Training.Settings;
using TorchSharp;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>
/// Where claims are computed: a model, its task, and the runs that several claims share, each made once. Used by one thread at a time; every run loads the model anew,
/// so none sees what another left.
/// </summary>
internal sealed class LectureLaboratory
{
    private const int EvaluatedRows = 120;
    private readonly Dictionary<string, object> results = new(StringComparer.Ordinal);
    private readonly CancellationToken cancellation;
    private readonly Action<string>? progress;
    private readonly LaboratoryOptions options;

    /// <summary>Finds the model's data.</summary>
    /// <param name="options">Which model, and how long.</param>
    /// <param name="progress">Is told what is being done, a line at a time.</param>
    /// <param name="cancellation">Ends a run within a step.</param>
    /// <exception cref="LowRankException">The files that come with the program are missing.</exception>
    public LectureLaboratory(LaboratoryOptions? options = null, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        (this.options, this.progress, this.cancellation) = (options ?? new LaboratoryOptions(), progress, cancellation);
        var files = QuickstartFiles.Find(isTiny: IsTiny);
        ModelPath = this.options.Model ?? files.TinyModel;
        TrainingFile = files.Training;
        Training = Dataset.Load(files.Training).Rows;
        HeldOut = [.. Dataset.Load(files.HeldOut).Rows.Take(EvaluatedRows)];
    }

    /// <summary>Whether the model is the tiny one that comes with the program.</summary>
    public bool IsTiny => options.Model is null;

    /// <summary>The model's folder, file or hub id.</summary>
    public string ModelPath { get; }

    /// <summary>The file of the rows to learn.</summary>
    public string TrainingFile { get; }

    /// <summary>Rows to learn.</summary>
    public IReadOnlyList<DataRow> Training { get; }

    /// <summary>Rows that no run learns.</summary>
    public IReadOnlyList<DataRow> HeldOut { get; }

    /// <summary>Optimizer steps of a run.</summary>
    public int Steps => options.Steps ?? (IsTiny ? 90 : 12);

    /// <summary>Steps of a run on few rows: at least as many as show a rise of the loss (<see cref="Experiment.LargestRise"/>).</summary>
    public int ShortSteps => Math.Max(6, 2 * Steps / 3);

    /// <summary>Threads of the tensor library.</summary>
    public int Threads => options.Threads ?? (IsTiny ? 1 : Environment.ProcessorCount);

    /// <summary>Ends a run within a step.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>Tells what is being done.</summary>
    public void Say(string what) => progress?.Invoke(what);

    /// <summary>Computes something once, whoever asks first.</summary>
    public T Once<T>(string key, Func<T> make) where T : notnull
    {
        cancellation.ThrowIfCancellationRequested();
        if (!results.TryGetValue(key, out var known)) results[key] = known = make();
        return (T)known;
    }

    /// <summary>A fresh model, the base in 4 bits on demand. The caller disposes it.</summary>
    public LanguageModel Load(FourBitOptions? quantization = null) =>
        ModelLoader.Load(ModelPath, new ModelLoadOptions { Device = torch.CPU, Threads = Threads, Quantization = quantization }, cancellation);

    /// <summary>A run, or what an equal one gave.</summary>
    public Experiment Train(ExperimentSettings settings) => Once(settings.ToString(), () => Train(settings, (_, _) => true).Experiment);

    /// <summary>A run, and something seen of the model behind its last step. Later requests for the experiment alone are answered by it.</summary>
    /// <param name="settings">What is run.</param>
    /// <param name="observe">Sees the trained model, and what was trained.</param>
    /// <param name="meddle">Is given the run before its first step, to make a mistake in it.</param>
    public (Experiment Experiment, T Observed) Train<T>(ExperimentSettings settings, Func<LanguageModel, TrainedWeights, T> observe, Action<Trainer, LanguageModel>? meddle = null)
    {
        progress?.Invoke(Describe(settings));
        using var model = Load(settings.Method == "qlora" ? new FourBitOptions() : null);
        TrainedWeights weights = settings.Method == "full" ? new FullWeights(model) : new LoraWeights(model, model.Attach(ConfigOf(settings)));
        var result = Train(settings, model, weights, observe, meddle);
        if (meddle is null) results.TryAdd(settings.ToString(), result.Experiment);
        return result;
    }

    /// <summary>A run over weights that stand in a model already.</summary>
    public (Experiment Experiment, T Observed) Train<T>(ExperimentSettings settings, LanguageModel model, TrainedWeights weights, Func<LanguageModel, TrainedWeights, T> observe, Action<Trainer, LanguageModel>? meddle = null)
    {
        var builder = BuilderFor(model);
        var learned = builder.Build([.. Training.Take(settings.Rows ?? Training.Count)], cancellation).Examples;
        using var trainer = new Trainer(weights, learned, [], OptionsFor(settings, model));
        meddle?.Invoke(trainer, model);
        var (steps, guards) = (new List<StepCompleted>(), new HashSet<string>(StringComparer.Ordinal));
        try
        {
            trainer.Run(e =>
            {
                if (e is StepCompleted step) steps.Add(step);
                if (e is RunWarning { Id: { } id }) guards.Add(id);
            }, cancellation);
        }
        catch (LowRankException error) when (error.GuardId == GuardIds.LossNotFinite && steps.Count > 0)
        {
            // A run that is meant to go wrong has: what it showed until then is what is asked for.
            guards.Add(GuardIds.LossNotFinite);
        }
        cancellation.ThrowIfCancellationRequested();
        var experiment = new Experiment
        {
            Trainable = weights.Parameters.Sum(p => p.Count),
            Guards = guards,
            Losses = [.. steps.Select(s => s.Loss)],
            HeldOutLoss = HeldOutLoss(model),
            LearnedLoss = Evaluator.Loss(model, [.. learned.Take(EvaluatedRows)], Grouped, cancellation: cancellation).Loss,
            TokensPerSecond = steps.Select(s => s.TokensPerSecond).Order().ElementAt(steps.Count / 2),
        };
        return (experiment, observe(model, weights));
    }

    /// <summary>The loss of a model on the held-out rows, per supervised token.</summary>
    public double HeldOutLoss(LanguageModel model) => Evaluator.Loss(model, BuilderFor(model).Build(HeldOut, cancellation).Examples, Grouped, cancellation: cancellation).Loss;

    /// <summary>The adapter's configuration of a run.</summary>
    public static AdapterConfig ConfigOf(ExperimentSettings settings) =>
        new AdapterSettings { Variant = settings.Variant, Rank = settings.Rank, Alpha = settings.Alpha ?? (settings.Variant == "adalora" ? null : settings.Rank), Target = settings.Target }.ToConfig();

    /// <summary>The share of held-out rows that a model answers exactly, row by row.</summary>
    public ExactMatchResult Answer(LanguageModel model) =>
        Evaluator.ExactMatch(model, HeldOut, new EvaluationOptions { BatchSize = 60, MaxNewTokens = 8, AnswerMargin = 2 }, progress: null, cancellation);

    private int BatchSize => IsTiny ? 16 : 8;

    private BatchOptions Grouped => new() { BatchSize = BatchSize, Layout = BatchLayout.GroupedByLength };

    private static ExampleBuilder BuilderFor(LanguageModel model) => ExampleBuilder.For(model, new ExampleOptions { MaxLength = (int)Math.Min(512, model.Decoder.Spec.MaxPositions) });

    private TrainerOptions OptionsFor(ExperimentSettings settings, LanguageModel model) => new()
    {
        TotalSteps = settings.Steps ?? Steps,
        Batches = new BatchOptions { BatchSize = BatchSize },
        CheckpointedLayers = settings.IsCheckpointed ? model.Decoder.Layers.Count : 0,
        // The tiny model is far narrower than what the usual rates are for.
        LearningRate = settings.LearningRate ?? (settings.Method, IsTiny) switch { ("full", true) => 1e-3, ("full", false) => 1e-4, (_, true) => 5e-3, _ => 1e-3 },
        Plus = settings.PlusRatio is { } ratio ? new LoraPlus(ratio) : null,
        Schedule = new LearningRateSchedule { Kind = LearningRateScheduleKind.Cosine, WarmupRatio = 0.1 },
    };

    private static string Describe(ExperimentSettings s) => FormattableString.Invariant(
        $"Training: {(s.Method == "full" ? "all weights" : $"{s.Method}{(s.Variant == "lora" ? "" : $" ({s.Variant})")} of rank {s.Rank}, alpha {s.Alpha ?? s.Rank}, on {s.Target}")}{(s.PlusRatio is { } ratio ? $", LoRA+ {ratio}" : "")}{(s.Rows is { } rows ? $", {rows} rows" : "")}{(s.IsCheckpointed ? ", checkpointed" : "")}");
}
