using System.Diagnostics;
using System.Runtime.CompilerServices;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Models.Generation;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Quickstart;

/// <summary>
/// The whole path in about a minute: plans a run, asks a model held-out questions, trains a LoRA with <see cref="TrainingRun"/>, asks again, and loads the saved
/// adapter into a fresh model to see that it gives the same answers.
/// </summary>
public sealed class QuickstartRun
{
    private const int ShownAnswers = 3, ShownTokens = 40;

    private readonly TrainSettings settings;
    private readonly IReadOnlyList<DataRow> heldOut;
    private readonly Action<string>? progress;

    private QuickstartRun(TrainSettings settings, IReadOnlyList<DataRow> heldOut, Action<string>? progress) => (this.settings, this.heldOut, this.progress) = (settings, heldOut, progress);

    /// <summary>Checks what can be checked without loading the model.</summary>
    /// <param name="options">What is chosen; null for the defaults.</param>
    /// <param name="progress">Is told what is being done, a line at a time.</param>
    /// <exception cref="LowRankException">The output folder is not empty, or the files that come with the program are missing.</exception>
    public static QuickstartRun Create(QuickstartOptions? options = null, Action<string>? progress = null)
    {
        options ??= new QuickstartOptions();
        if (File.Exists(options.Output) || Directory.Exists(options.Output) && Directory.EnumerateFileSystemEntries(options.Output).Any())
            throw new LowRankException($"{options.Output} exists and is not empty. Delete it, or take another folder: --output FOLDER.");
        var files = QuickstartFiles.Find(isTiny: options.Model is null);
        var rows = Dataset.Load(files.HeldOut).Rows;
        return new QuickstartRun(options.ToSettings(files), [.. rows.Take(options.HeldOut ?? (options.Model is null ? rows.Count : 100))], progress);
    }

    /// <summary>Runs to the end. All that computes runs on threads of its own.</summary>
    /// <param name="cancellation">Ends it within a step or token; a training that has begun takes a checkpoint first.</param>
    /// <returns>In this order: <see cref="QuickstartPlanned"/>, <see cref="QuickstartMeasured"/>, many <see cref="QuickstartTraining"/>, <see cref="QuickstartMeasured"/>, <see cref="QuickstartCompleted"/>.</returns>
    /// <exception cref="LowRankException">The model cannot be loaded, or a file not written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async IAsyncEnumerable<QuickstartEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        IReadOnlyList<Question> shown;
        AnswerSet before, after;
        RunCompleted? end = null;
        using (var run = await GenerationThread.Run(() => TrainingRun.Create(settings, progress, cancellation)).ConfigureAwait(false))
        {
            var questions = Question.Of(run.Model, heldOut);
            shown = [.. questions.DistinctBy(q => q.Answer).Take(ShownAnswers)];
            yield return Planned(run, questions);
            before = await AskAsync(run.Model, shown, withAdapter: false, cancellation).ConfigureAwait(false);
            yield return new QuickstartMeasured(false, before.Result);
            await foreach (var e in run.TrainAsync(cancellation).ConfigureAwait(false))
            {
                end = e as RunCompleted;
                yield return new QuickstartTraining(e);
            }
            cancellation.ThrowIfCancellationRequested();
            after = await AskAsync(run.Model, shown, withAdapter: true, cancellation).ConfigureAwait(false);
            yield return new QuickstartMeasured(true, after.Result);
        }
        var again = await ReloadAsync(shown, cancellation).ConfigureAwait(false);
        yield return new QuickstartCompleted
        {
            Folder = end!.Folder,
            AccuracyBefore = before.Result.Accuracy,
            AccuracyAfter = after.Result.Accuracy,
            Answers = [.. shown.Select((q, i) => new QuickstartAnswer(q.Text, q.Answer, before.Shown[i], after.Shown[i]))],
            IsReloadedEqual = again.IsSame(after),
            Training = end,
            Elapsed = clock.Elapsed,
        };
    }

    private static QuickstartPlanned Planned(TrainingRun run, IReadOnlyList<Question> questions) => new()
    {
        Settings = run.Settings,
        Family = run.Model.Decoder.Spec.ModelType,
        BaseParameters = run.Model.ParameterCount,
        TrainableParameters = run.Weights.Parameters.Sum(p => p.Count),
        Rows = run.Examples.Examples.Count,
        HeldOut = questions.Count,
        Answers = questions.Select(q => q.Answer).Distinct(StringComparer.Ordinal).Count(),
        Memory = run.Memory,
    };

    private Task<AnswerSet> AskAsync(LanguageModel model, IReadOnlyList<Question> shown, bool withAdapter, CancellationToken cancellation)
    {
        progress?.Invoke($"Asking {heldOut.Count} held-out questions {(withAdapter ? "with the adapter" : "without the adapter")}");
        return GenerationThread.Run(() =>
        {
            using var disabled = withAdapter ? null : model.Adapter!.Disable();
            var result = Evaluator.ExactMatch(model, heldOut, progress: null, cancellation: cancellation);
            var texts = model.GenerateBatch([.. shown.Select(q => q.Prompt)], new GenerationOptions { MaxNewTokens = ShownTokens }, cancellation: cancellation);
            return new AnswerSet(result, [.. texts.Select(t => t.Text.Trim())]);
        });
    }

    private async Task<AnswerSet> ReloadAsync(IReadOnlyList<Question> shown, CancellationToken cancellation)
    {
        progress?.Invoke("Loading the saved adapter into a fresh model");
        using var model = await LanguageModel.LoadAsync(settings.Model.Model, new ModelLoadOptions { Threads = settings.Model.Threads }, cancellation).ConfigureAwait(false);
        model.LoadAdapter(settings.Output.Output, progress);
        return await AskAsync(model, shown, withAdapter: true, cancellation).ConfigureAwait(false);
    }
}
