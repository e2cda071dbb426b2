using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Quantization;
using LowRank.Training.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Events;
using LowRank.Training.Settings;
using LowRank.Training.Starts;
using TorchSharp;

namespace LowRank.Training.Comparison.Parts;

/// <summary>Does one part of a comparison on the calling thread: trains, or measures what was trained. What is measured in training is the training alone.</summary>
internal static class PartWorker
{
    /// <summary>Does what a request asks for and writes the result beside it.</summary>
    /// <param name="request">The path of the request.</param>
    /// <param name="tell">Is told how far it is.</param>
    /// <param name="cancellation">Ends it without a result.</param>
    public static void Run(string request, Action<PartProgress> tell, CancellationToken cancellation)
    {
        var files = PartFiles.OfRequest(request);
        var asked = files.ReadRequest();
        var result = new PartResult { Request = asked };
        files.Write(asked.Kind == PartKind.Train ? result with { Training = Train(asked, files, tell, cancellation) } : result with { Evaluation = Evaluate(asked, files, tell, cancellation) });
    }

    private static TrainingMeasure Train(PartRequest request, PartFiles files, Action<PartProgress> tell, CancellationToken cancellation)
    {
        // What a part that was cut off left.
        if (Directory.Exists(files.Weights)) Directory.Delete(files.Weights, recursive: true);
        var settings = request.Settings with { Output = request.Settings.Output with { Output = files.Weights } };
        using var run = TrainingRun.Create(settings, null, cancellation);
        var (curve, warnings, end) = (new List<CurvePoint>(), run.Warnings.Select(w => new PartWarning(null, w)).ToList(), default(RunCompleted));
        run.Trainer.Run(e =>
        {
            if (e is StepCompleted) tell(new PartProgress("step", e.Step, run.Trainer.TotalSteps));
            if (e is EvaluationCompleted evaluation) curve.Add(new CurvePoint(e.Step, evaluation.Loss));
            if (e is RunWarning warning) warnings.Add(new PartWarning(warning.Id, warning.Message));
            if (e is RunCompleted completed) end = completed;
        }, cancellation);
        cancellation.ThrowIfCancellationRequested();
        return new TrainingMeasure
        {
            Steps = run.Trainer.Step,
            TrainableParameters = run.Weights.Parameters.Sum(p => p.Count),
            AllParameters = run.Weights.AllParameters,
            Bits = Bits(settings, run.Model),
            PlannedPeakBytes = run.Memory.Total,
            MeasuredPeakBytes = end!.PeakBytes,
            TokensPerSecond = end.TokensPerSecond,
            Seconds = end.Elapsed.TotalSeconds,
            TrainLoss = end.TrainLoss,
            ValidationLoss = curve[^1].Loss,
            Curve = curve,
            // What the trainer keeps for itself is no part of the result.
            SizeOnDisk = new DirectoryInfo(files.Weights).EnumerateFiles().Where(f => f.Name is not (MetricsFile.FileName or RunRecord.FileName or AdapterRecord.FileName)).Sum(f => f.Length),
            Warnings = warnings,
            BaseWeights = run.Model.Fingerprint.Weights,
        };
    }

    private static int Bits(TrainSettings settings, LanguageModel model) => settings.Adapter.Method switch
    {
        "full" => 32,
        _ when model.Quantization is not null => 4,
        _ => model.Decoder.Slots.OfType<EmbeddingSlot>().Single().Module is FrozenEmbedding { Weight: DenseWeight { StoredType: torch.ScalarType.Float32 } } ? 32 : 16,
    };

    private static EvaluationMeasure Evaluate(PartRequest request, PartFiles files, Action<PartProgress> tell, CancellationToken cancellation)
    {
        var settings = request.Settings;
        var rows = request.Test is { } test ? DataSource.Load(test, settings.Data.Reading()).Rows : RunData.Load(settings, settings.Guards.Names()).Split.Validation;
        if (request.Rows is { } most) rows = [.. rows.Take(most)];
        var weights = request.Weights is { } name ? Path.Combine(Path.GetDirectoryName(files.Path)!, name) : null;
        var isCheckpoint = weights is not null && settings.Adapter.Method == "full";
        // A checkpoint is loaded as any other: frozen, in the dtype of its file.
        if (isCheckpoint) settings = settings with { Model = settings.Model with { Model = weights!, Revision = null }, Adapter = new AdapterSettings() };
        using var model = RunModel.Load(settings, null, null, null, cancellation);
        if (weights is not null && !isCheckpoint) model.LoadAdapter(weights);
        var options = new EvaluationOptions { MaxLength = settings.Data.MaxLength, TrainOn = Enum.Parse<TrainOn>(settings.Data.TrainOn, ignoreCase: true) };
        // Of two answers the likelier is what the model would rather say: a figure that does not depend on the objective it was trained with.
        var isPreference = rows[0].Format == DataFormat.Preference;
        if (isPreference) options = options with { Metric = EvaluationMetric.Preference };
        var loss = Evaluator.Evaluate(model, rows, options, p => tell(new PartProgress("row", p.Done, p.Total)), cancellation);
        IReadOnlyList<bool>? answers = !request.Answers ? null
            : isPreference ? [.. loss.Figures.Single(f => f.Name == "accuracy").Values.Select(likelier => likelier > 0)]
            : Evaluator.ExactMatch(model, rows, options, done => tell(new PartProgress("answer", done, rows.Count)), cancellation).Answers;
        var general = Dataset.Load(request.General!).Rows;
        return new EvaluationMeasure
        {
            Loss = loss.Loss,
            Rows = rows.Count,
            Answers = answers is null ? null : string.Concat(answers.Select(right => right ? '1' : '0')),
            GeneralLoss = Evaluator.Evaluate(model, general, new EvaluationOptions { TrainOn = TrainOn.All }, cancellation: cancellation).Loss,
            DecodeTokensPerSecond = AnswerSpeed.Measure(model, general[0], cancellation),
        };
    }
}
