using System.Runtime.CompilerServices;
using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Optimizers;
using LowRank.Runtime;
using LowRank.Runtime.ComputeTypes;
using LowRank.Training.Accumulation;
using LowRank.Training.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Data.Rows;
using LowRank.Training.Data.Tokens;
using LowRank.Training.Evaluation;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Methods;
using LowRank.Training.Monitoring;
using LowRank.Training.Packing;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Reports;
using LowRank.Training.Settings;
using LowRank.Training.Starts;
using LowRank.Training.Trackers;
using TorchSharp;

namespace LowRank.Training;

/// <summary>
/// A run as <c>lowrank train</c> makes it: model, data, adapter and trainer put together from settings, in the order of the data path. What was left open in the
/// settings is chosen here, and each choice is kept with its reason.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private readonly List<string> warnings = [];
    private RunTrackers? trackers;
    private RunMonitoring? monitoring;
    private string? reportProblem;
    private RunTokens? tokens;

    private TrainingRun(TrainSettings settings, LanguageModel model, TrainedWeights weights, Trainer trainer, ExampleSet examples)
    {
        (Settings, Model, Weights, Trainer, Examples) = (settings, model, weights, trainer, examples);
    }

    /// <summary>The settings, nothing left open.</summary>
    public TrainSettings Settings { get; }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>What is trained.</summary>
    public TrainedWeights Weights { get; }

    /// <summary>The loop.</summary>
    public Trainer Trainer { get; }

    /// <summary>The training examples, and what truncation cost.</summary>
    public ExampleSet Examples { get; }

    /// <summary>The memory that the run is expected to need at its peak.</summary>
    public required MemoryPlan Memory { get; init; }

    /// <summary>What a person should know although the run can begin.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Sets up a new run. Small things are checked before the model is loaded, and nothing is written before everything fits.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="progress">Is told what is being done, a line at a time.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">Something is missing or does not fit; the message says what, where, and what to do.</exception>
    public static TrainingRun Create(TrainSettings settings, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        RequireNew(settings.Output.Output);
        return Build(settings, null, null, progress, cancellation);
    }

    /// <summary>
    /// Sets up a run again, in a new folder: its record holds the settings with every choice, and fingerprints of what it read. On the same machine the result has the same bytes.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="entries">The new folder (<c>output</c>), and where data, model or adapter are now, if they were moved. Other settings must be the run's.</param>
    /// <param name="progress">Is told what is being done, a line at a time.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">The folder holds no run; or data, tokenizer, template, model or adapter are no longer the same, and <c>force</c> is not set.</exception>
    public static TrainingRun Repeat(string folder, IReadOnlyList<SettingEntry> entries, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        var record = RunRecord.Load(folder);
        var settings = RunRepetition.SettingsOf(record, entries);
        RequireNew(settings.Output.Output);
        return Build(settings, null, new RunRepetition(record, folder, settings.Memory.Force), progress, cancellation);
    }

    private static void RequireNew(string output)
    {
        if (output.Length == 0) throw new LowRankException("The run needs a folder: --output FOLDER.");
        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
            throw new LowRankException($"{output} exists and is not empty. Take another folder, or go on with that run: --resume {output}.");
    }

    /// <summary>Goes on with a run that was stopped or killed, from its newest checkpoint and with its own settings.</summary>
    /// <param name="output">The run's folder.</param>
    /// <param name="progress">Is told what is being done, a line at a time.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <param name="silence">Guards that keep quiet from now on, with commas, instead of those of the run's settings; null for these.</param>
    /// <exception cref="LowRankException">The folder holds no run or no checkpoint, or data or model are no longer the same.</exception>
    public static TrainingRun Resume(string output, Action<string>? progress = null, CancellationToken cancellation = default, string? silence = null)
    {
        var record = TrainingJson.Read(Path.Combine(output, RunRecord.FileName), TrainingJson.Default.RunRecord);
        var settings = record.Settings with { Output = record.Settings.Output with { Output = output } };
        if (silence is not null) settings = settings with { Guards = new GuardSettings { Silence = silence } };
        return Build(settings, record, null, progress, cancellation);
    }

    private static TrainingRun Build(TrainSettings settings, RunRecord? resumed, RunRepetition? repetition, Action<string>? progress, CancellationToken cancellation)
    {
        var choices = new List<string>();
        // A device that was named is refused at once; to look for one takes libtorch, which loads while files are read.
        var device = settings.Model.Device is null ? null : RunDevice.Of(settings);
        var silenced = settings.Guards.Names();
        settings.Objective.ToOptions(settings);
        TrackerSetup.Check(settings.Trackers);
        var (data, split) = RunData.Load(settings, silenced, progress, cancellation);
        var path = ModelLoader.Locate(settings.Model.Name(), new ModelLoadOptions { Progress = progress }, cancellation);
        var adapter = settings.Adapter.Adapter is { } named ? ModelLoader.LocateAdapter(named, new ModelLoadOptions { Progress = progress }, cancellation) : null;
        // What needs no weights comes first: what is wrong with the data, and whether memory suffices.
        var text = ModelText.Load(path, null, cancellation);
        progress?.Invoke($"Tokenizing {data.Rows.Count} rows");
        var (examples, held, maxLength, tokens) = RunData.Tokenize(settings, text, split, silenced, choices, progress, cancellation);
        var inputs = resumed is null ? RunInputs.Of(settings.Data, text, adapter, [examples, held], cancellation) : resumed.Inputs;
        if (inputs is not null) repetition?.CheckInputs(inputs);
        var batches = new BatchOptions
        {
            BatchSize = settings.Optimization.Batch,
            Layout = settings.Data.Packing ? BatchLayout.Packed : BatchLayout.Padded,
            RowLength = maxLength,
            Shuffle = settings.Data.Shuffle,
            Seed = settings.Optimization.Seed,
        };
        var source = ModelSource.Open(path);
        var threads = settings.Model.Threads ?? Environment.ProcessorCount;
        device ??= RunDevice.Of(settings);
        if (settings.Model.Device is null || !device.IsProcessor) choices.Add(device.Reason);
        settings = settings with { Model = settings.Model with { Device = device.Name } };
        if (settings.Model.Dtype is null)
        {
            var compute = ComputeTypeChoice.For(source.Shape.LayerWeights, threads, device.Device);
            choices.Add($"dtype {compute.Reason}");
            settings = settings with { Model = settings.Model with { Dtype = compute.Name } };
        }
        var planner = new RunPlanner(settings with { Adapter = settings.Adapter with { Adapter = adapter } }, source, examples.Examples, batches);
        var budget = device.Budget(settings.Memory.Memory);
        var (checkpointed, memory) = Checkpointing.Choose(settings.Optimization.Checkpointing, planner, budget, choices);
        planner.Check(memory, budget);
        var model = RunModel.Load(settings, path, text, progress, cancellation);
        Trainer? trainer = null;
        try
        {
            if (resumed is not null && resumed.BaseWeights != model.Fingerprint.Weights)
                throw new LowRankException($"{settings.Model.Model} is not the model that the run began with (fingerprint {resumed.BaseWeights}, here {model.Fingerprint.Weights}). Resume with the same weights.");
            repetition?.CheckBase(settings.Model.Model, model.Fingerprint.Weights);
            batches = batches with { PadTokenId = RunModel.PadToken(model) };
            var (weights, adapterWarnings) = StartedWeights.Of(settings, adapter, model, resumed is null ? null : TrainingCheckpoint.Newest(Path.GetFullPath(settings.Output.Output)),
                lora => EvaStart.Attach(model, lora, settings.Optimization.Seed, examples.Examples, batches, choices.Add, cancellation));
            var (resolved, options) = RunOptions.Of(settings, threads, maxLength, batches, examples, choices);
            options = options with { PredictedPeakBytes = memory.Total, NeededBytes = memory.Needed, UsableBytes = budget.Bytes, CheckpointedLayers = checkpointed, Silenced = silenced, WatchMemory = !settings.Memory.Force && device.IsProcessor };
            var layers = checkpointed;
            options = options with
            {
                OnOutOfMemory = settings.Memory.OnOom == "stop" ? OnOutOfMemory.Stop : OnOutOfMemory.Split,
                NeededBytesInParts = parts => planner.InParts(parts).Plan(layers).Needed,
                AnswersFirst = settings.Output.Report,
            };
            trainer = new Trainer(weights, examples.Examples, held?.Examples ?? [], options);
            trainer.Guards.Before();
            if (settings.Evaluation.Samples > 0 && split.Validation.Count > 0)
                trainer.Sampler = new AnswerSampler(model, split.Validation, settings.Evaluation.Samples, settings.Evaluation.SampleTokens).Answer;
            if (resumed is not null)
                trainer.Resume(TrainingCheckpoint.Newest(options.Output!) ?? throw new LowRankException($"{options.Output} has no checkpoint yet. Delete the folder and begin anew."));
            var run = new TrainingRun(resolved, model, weights, trainer, examples) { Memory = memory, tokens = tokens };
            run.warnings.AddRange(repetition?.Warnings ?? []);
            if (data.SkippedRows > 0) run.warnings.Add(Skipped(data));
            run.warnings.AddRange(adapterWarnings);
            run.warnings.AddRange(examples.Warnings.Take(5).Select(w => w.ToString()));
            if (examples.Warnings.Count > 5) run.warnings.Add($"and {examples.Warnings.Count - 5} more rows with such warnings");
            if (examples.Truncation.TruncatedRows > 0) run.warnings.Add(examples.Truncation.ToString());
            run.Open(resumed, inputs, data);
            run.monitoring = RunMonitoring.Begin(run, device);
            return run;
        }
        catch
        {
            trainer?.Dispose();
            model.Dispose();
            tokens.Dispose();
            throw;
        }
    }

    private static string Skipped(Dataset data) =>
        $"{data.SkippedRows} {(data.SkippedRows == 1 ? "row is" : "rows are")} left out, because {(data.SkippedRows == 1 ? "it is" : "they are")} wrong: {string.Join("; ", data.Problems.Where(p => p.Message.EndsWith("the row is left out", StringComparison.Ordinal)).Take(3))}{(data.SkippedRows > 3 ? "; …" : "")}";

    // The run's folder comes into being here: everything that can be wrong has been checked.
    private void Open(RunRecord? resumed, RunInputs? inputs, Dataset data)
    {
        var output = Path.GetFullPath(Settings.Output.Output);
        Directory.CreateDirectory(output);
        var record = resumed ?? Describe(inputs, data);
        if (resumed is null) AtomicFile.WriteAllBytes(Path.Combine(output, RunRecord.FileName), JsonSerializer.SerializeToUtf8Bytes(record, TrainingJson.Default.RunRecord));
        var metrics = MetricsFile.Open(Path.Combine(output, MetricsFile.FileName), Trainer.Step);
        Trainer.Sinks.Add(metrics.Write);
        // What is said before the run belongs to its record too.
        Trainer.Sinks.Add(e =>
        {
            if (e is not RunStarted) return;
            foreach (var warning in warnings) metrics.Write(new RunWarning(warning) { Step = e.Step });
        });
        if (Settings.Output.Report) Trainer.Sinks.Add(e => reportProblem = e is RunCompleted { End: not RunEnd.Cancelled } ? RunReport.TryWrite(output) : null);
        trackers = TrackerSetup.Open(record, output, Trainer.Step, metrics.Write);
        Trainer.Sinks.Add(trackers.Write);
        Trainer.Notices = trackers.Next;
        Trainer.BeforeCheckpoint = trackers.Settle;
    }

    private RunRecord Describe(RunInputs? inputs, Dataset data)
    {
        var commit = GitCommit.Find(Environment.CurrentDirectory);
        return new RunRecord
        {
            Version = RunRecord.CurrentVersion,
            Settings = Settings,
            BaseWeights = Model.Fingerprint.Weights,
            Started = TimeProvider.System.GetUtcNow(),
            Inputs = inputs,
            Machine = RunMachine.Read(),
            Id = RunRecord.NewId(),
            DataFingerprint = DataFingerprint.Of(data),
            Commit = commit?.Hash,
            Repository = commit?.Remote,
            PredictedPeakBytes = Memory.Total,
            PlannedMemory = Memory.Parts.Where(p => p.Part.Bytes > 0).ToDictionary(p => p.Name, p => p.Part.Bytes),
            Libraries = new Dictionary<string, string>
            {
                ["dotnet"] = Environment.Version.ToString(),
                ["torchsharp"] = NativePackageVersions.TorchSharp,
                ["libtorch"] = NativeRuntime.Load().LibTorchVersion.ToString(),
            },
        };
    }

    /// <summary>Runs to the end; see <see cref="Trainer.TrainAsync"/>. The report is written by the time that <see cref="RunCompleted"/> comes.</summary>
    public async IAsyncEnumerable<TrainingEvent> TrainAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var events = Trainer.TrainAsync(cancellation);
        await foreach (var e in (trackers?.FollowAsync(events, cancellation) ?? events).ConfigureAwait(false))
        {
            if (e is RunCompleted && reportProblem is { } problem) yield return new RunWarning($"The report could not be written: {problem}") { Step = e.Step };
            yield return e;
        }
    }

    /// <summary>Frees trainer and model.</summary>
    public void Dispose()
    {
        monitoring?.Dispose();
        trackers?.Dispose();
        Trainer.Dispose();
        Model.Dispose();
        tokens?.Dispose();
    }
}
