using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using LowRank.Formats;
using LowRank.Training.Comparison.Parts;
using LowRank.Training.Data;
using LowRank.Training.Settings;
using LowRank.Training.Starts;

namespace LowRank.Training.Comparison;

/// <summary>
/// A comparison: cells over one base, the same data and, seed by seed, the same order. Each cell tries its learning rates on the first seed, takes the one with the lowest
/// held-out loss, and is measured with every seed at it. Each run is a part of its own, whose result is kept in the output folder: what is there is not run again.
/// </summary>
internal sealed class ComparisonRun
{
    private const string Marker = "comparison.json";

    private readonly ComparisonSettings settings;
    private readonly IPartRunner runner;
    private readonly string output;
    private readonly string general;
    private readonly string data;
    private readonly List<double> seconds = [];
    private readonly Dictionary<string, List<string>> failures = new(StringComparer.Ordinal);
    private int done;

    private ComparisonRun(ComparisonSettings settings, IPartRunner runner, IReadOnlyList<ComparisonCell> cells, string general, string data)
    {
        (this.settings, this.runner, Cells, this.general, this.data) = (settings, runner, cells, general, data);
        output = Path.GetFullPath(settings.Comparison.Output);
        TotalParts = 1 + cells.Sum(c => c.LearningRates.Count + 2 * settings.Comparison.Seeds - 1);
    }

    /// <summary>The cells.</summary>
    public IReadOnlyList<ComparisonCell> Cells { get; }

    /// <summary>Runs and evaluations in all.</summary>
    public int TotalParts { get; }

    /// <summary>Checks what can be checked without loading the model.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="runner">Does the parts.</param>
    /// <exception cref="LowRankException">Something is missing or cannot be varied, or the folder holds something else.</exception>
    public static ComparisonRun Create(ComparisonSettings settings, IPartRunner runner)
    {
        var cells = ComparisonGrid.Cells(settings);
        if (string.IsNullOrWhiteSpace(settings.Data.Validation))
            throw new LowRankException("A comparison needs held-out rows, by which each cell's learning rate is chosen: --validation FILE, or a number or share of the rows.");
        var output = settings.Comparison.Output;
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any() && !File.Exists(Path.Combine(output, Marker))))
            throw new LowRankException($"{output} exists and holds no comparison. Take another folder: --output FOLDER.");
        var general = settings.Comparison.General ?? ShippedFiles.Find("assets/general/general.txt");
        Dataset.Load(general);
        if (settings.Comparison.Test is { } test) DataSource.Load(test, settings.Data.Reading());
        CheckData(settings, cells);
        return new ComparisonRun(settings, runner, cells, general, HashOf(((string?[])[settings.Data.Data, settings.Data.Validation!, settings.Comparison.Test, general]).OfType<string>().SelectMany(d => DataSource.Locate(d))));
    }

    // Cells are judged on the same rows, so all their objectives must take them. Each objective is checked as its runs would be.
    private static void CheckData(ComparisonSettings settings, IReadOnlyList<ComparisonCell> cells)
    {
        foreach (var cell in cells) cell.Settings.Objective.ToOptions(cell.Settings);
        foreach (var objective in cells.Select(c => c.Settings.Objective).Distinct())
        {
            var run = settings.ToRun() with { Objective = objective };
            try
            {
                var (data, _) = RunData.Load(run, run.Guards.Names());
                if (data.Formats.Contains(DataFormat.Kto))
                    throw new LowRankException($"{data.Path}: cells are compared by how often the better of two answers is the likelier one, which needs rows with \"chosen\" and \"rejected\"; judged answers (\"label\") have one. Train with --objective kto, and compare its runs by their held-out figures: lowrank runs compare.");
            }
            catch (LowRankException error) when (cells.Any(c => c.Settings.Objective != objective))
            {
                throw new LowRankException($"--vary objective: {objective.Objective} does not take these rows, and all cells are judged on the same ones. dpo, orpo, simpo and kto can be compared on rows with chosen and rejected; sft stands alone. {error.Message}", error);
            }
        }
    }

    /// <summary>Runs what is missing, and writes the report.</summary>
    /// <param name="tell">Is told where it stands.</param>
    /// <param name="cancellation">Ends it within a step; finished parts are kept.</param>
    /// <exception cref="LowRankException">A file in the folder was made with other settings, or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<ComparisonResult> RunAsync(Action<ComparisonProgress> tell, CancellationToken cancellation = default)
    {
        AtomicFile.WriteAllText(Path.Combine(output, Marker), SettingsBinder.ToJson(settings).ToJsonString() + "\n");
        // What rows are read for is the cells'; nothing else of an objective is measured on the base.
        var rows = Cells[0].Settings.Objective.IsPreference ? new ObjectiveSettings { Objective = "dpo" } : new ObjectiveSettings();
        var unchanged = settings.ToRun() with { Adapter = new AdapterSettings(), Objective = rows };
        var baseline = await DoAsync("", "base", new PartFiles(Path.Combine(output, "parts", "base")), Evaluation(unchanged, null), tell, cancellation).ConfigureAwait(false);
        var found = new List<CellRuns>();
        foreach (var cell in Cells) found.Add(await RunCellAsync(cell, tell, cancellation).ConfigureAwait(false));
        var result = ComparisonSummary.Of(settings, baseline?.Evaluation, found, failures.GetValueOrDefault("") ?? []);
        ComparisonReport.Write(output, result);
        return result;
    }

    private async Task<CellRuns> RunCellAsync(ComparisonCell cell, Action<ComparisonProgress> tell, CancellationToken cancellation)
    {
        var (first, doneBefore) = (settings.Optimization.Seed, done);
        var trials = new List<(double Rate, PartResult? Result)>();
        foreach (var rate in cell.LearningRates) trials.Add((rate, await TrainAsync(cell, rate, first, tell, cancellation).ConfigureAwait(false)));
        var runs = new List<(long Seed, PartResult Training, PartResult Evaluation)>();
        var best = trials.Where(t => t.Result is { Training.ValidationLoss: var loss } && double.IsFinite(loss)).OrderBy(t => t.Result!.Training!.ValidationLoss).FirstOrDefault();
        foreach (var (rate, _) in trials)
            if (rate != best.Rate) RemoveWeights(cell, rate, first);
        for (var i = 0; i < settings.Comparison.Seeds && best.Result is not null; i++)
        {
            var training = i == 0 ? best.Result : await TrainAsync(cell, best.Rate, first + i, tell, cancellation).ConfigureAwait(false);
            var evaluation = training is null ? null : await EvaluateAsync(cell, best.Rate, first + i, tell, cancellation).ConfigureAwait(false);
            if (evaluation is not null) runs.Add((first + i, training!, evaluation));
        }
        done = doneBefore + cell.LearningRates.Count + 2 * settings.Comparison.Seeds - 1;
        return new CellRuns(cell, best.Result is null ? null : best.Rate, [.. trials.Select(t => new RateTrial(t.Rate, t.Result?.Training?.ValidationLoss))], runs, failures.GetValueOrDefault(cell.Name) ?? []);
    }

    private Task<PartResult?> TrainAsync(ComparisonCell cell, double rate, long seed, Action<ComparisonProgress> tell, CancellationToken cancellation, bool again = false) =>
        DoAsync(cell.Name, PartName(cell, rate, seed), Files(cell, rate, seed), new PartRequest { Kind = PartKind.Train, Settings = Settings(cell, rate, seed), Data = data }, tell, cancellation, again);

    private async Task<PartResult?> EvaluateAsync(ComparisonCell cell, double rate, long seed, Action<ComparisonProgress> tell, CancellationToken cancellation)
    {
        var training = Files(cell, rate, seed);
        var files = new PartFiles(training.Path + "-evaluation");
        var request = Evaluation(Settings(cell, rate, seed), Path.GetFileName(training.Weights));
        // The weights of a run that an earlier call began to measure may be gone.
        if (!Directory.Exists(training.Weights) && files.Read(request) is null && await TrainAsync(cell, rate, seed, tell, cancellation, again: true).ConfigureAwait(false) is null) return null;
        var result = await DoAsync(cell.Name, $"{PartName(cell, rate, seed)}: evaluation", files, request, tell, cancellation).ConfigureAwait(false);
        if (result is not null && !settings.Comparison.KeepWeights) RemoveWeights(cell, rate, seed);
        return result;
    }

    // A part that fails is told and left out, so that the others are not lost; the next call tries it again.
    private async Task<PartResult?> DoAsync(string cell, string name, PartFiles files, PartRequest request, Action<ComparisonProgress> tell, CancellationToken cancellation, bool again = false)
    {
        cancellation.ThrowIfCancellationRequested();
        var progress = new ComparisonProgress { Part = name, Number = again ? done : ++done, Total = TotalParts };
        if (!again && files.Read(request) is { } kept)
        {
            tell(progress with { IsKept = true, Outcome = Outcome(kept) });
            return kept;
        }
        tell(progress);
        var start = Stopwatch.GetTimestamp();
        Directory.CreateDirectory(Path.GetDirectoryName(files.Path)!);
        try
        {
            File.Delete(files.Result);
            files.Write(request);
            await runner.RunAsync(files.Request, inner => tell(progress with { Inner = inner }), cancellation).ConfigureAwait(false);
            var result = files.Read(request) ?? throw new LowRankException($"{name} ended without a result.");
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            tell(progress with { Outcome = Outcome(result), TimeLeft = done < TotalParts ? TimeSpan.FromSeconds(seconds.Average() * (TotalParts - done)) : null });
            return result;
        }
        catch (LowRankException error) when (error is not SettingsException)
        {
            if (!failures.TryGetValue(cell, out var list)) failures[cell] = list = [];
            list.Add($"{name}: {error.Message}");
            tell(progress with { Outcome = $"failed: {error.Message}" });
            return null;
        }
        finally
        {
            File.Delete(files.Request);
        }
    }

    private PartRequest Evaluation(TrainSettings run, string? weights) => new()
    {
        Kind = PartKind.Evaluate, Settings = run, Data = data, Weights = weights, Test = settings.Comparison.Test, Rows = settings.Comparison.EvalRows, Answers = settings.Comparison.Metric == "exact", General = general,
    };

    private static TrainSettings Settings(ComparisonCell cell, double rate, long seed) =>
        cell.Settings with { Optimization = cell.Settings.Optimization with { LearningRate = rate, Seed = seed } };

    private PartFiles Files(ComparisonCell cell, double rate, long seed) =>
        new(Path.Combine(output, "parts", FolderName(cell.Name), string.Create(CultureInfo.InvariantCulture, $"lr-{rate:g6}-seed-{seed}")));

    private void RemoveWeights(ComparisonCell cell, double rate, long seed)
    {
        var folder = Files(cell, rate, seed).Weights;
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    private static string PartName(ComparisonCell cell, double rate, long seed) => string.Create(CultureInfo.InvariantCulture, $"{cell.Name}, learning rate {rate:g3}, seed {seed}");

    // Names of cells hold what people write; where a file system would not take it, a hash tells them apart.
    private static string FolderName(string name)
    {
        var plain = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' ? c : c is ' ' ? '-' : '_'));
        return plain.Replace('-', ' ') == name.Replace('-', ' ') ? plain : $"{plain}-{XxHash32.HashToUInt32(System.Text.Encoding.UTF8.GetBytes(name)):x8}";
    }

    private static string Outcome(PartResult result) => result switch
    {
        { Training: { } t } => string.Create(CultureInfo.InvariantCulture, $"held-out loss {t.ValidationLoss:0.0000}, {t.TokensPerSecond:N0} tokens/s"),
        { Evaluation: { } e } => string.Create(CultureInfo.InvariantCulture, $"loss {e.Loss:0.0000}{(e.Answers is { } a ? $", {100.0 * a.Count(c => c == '1') / a.Length:0.0} % right" : "")}"),
        _ => "",
    };

    private static string HashOf(IEnumerable<string?> files)
    {
        var hash = new XxHash128();
        foreach (var file in files.Where(File.Exists))
        {
            using var stream = File.OpenRead(file!);
            hash.Append(stream);
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
