using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Data.Rows;
using LowRank.Training.Data.Tokens;
using LowRank.Training.Guards;
using LowRank.Training.Settings;

namespace LowRank.Training.Starts;

/// <summary>The rows of a run, and the examples that they become.</summary>
internal static class RunData
{
    /// <summary>The rows of a run, and those that it holds back.</summary>
    public static (Dataset Data, ValidationSplit Split) Load(TrainSettings run, IReadOnlyList<string> silenced, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        var (settings, seed, use) = (run.Data, run.Optimization.Seed, run.Objective.Rows);
        if (settings.Data.Length == 0) throw new LowRankException("The run needs data: --data FILE, or a data set of the hub: --data org/name.");
        var reading = settings.Reading();
        var data = DataSource.Load(settings.Data, reading, progress, cancellation);
        if (silenced.Contains(GuardIds.NothingSupervised)) data.RequireRows(use);
        else data.RequireTrainable(use);
        var validation = settings.Validation ?? DataSource.ValidationOf(settings.Data);
        if (settings.Validation is null && validation is not null) progress?.Invoke($"Held out: {validation}, which the folder has (--validation 0 for nothing)");
        if (data.Mixture is { } mixture)
        {
            // What is held back is held back before rows are repeated, and the first rows are those of the mixture.
            var apart = ValidationSplit.Parse(data, validation, settings.SplitSeed ?? seed, reading);
            var mixed = mixture.Apply(apart.Training, seed);
            return (data, apart with { Training = settings.MaxSamples is { } first && first < mixed.Count ? RowView.First(mixed, first) : mixed });
        }
        var rows = settings.MaxSamples is { } most && most < data.Rows.Count ? new Dataset(data.Path, data.Format, RowView.First(data.Rows, most), data.Problems) { SkippedRows = data.SkippedRows } : data;
        return (rows, ValidationSplit.Parse(rows, validation, settings.SplitSeed ?? seed, reading));
    }

    /// <summary>The examples of a run, from the cache where it has them, and those that are held back.</summary>
    public static (ExampleSet Examples, ExampleSet? Held, int MaxLength, RunTokens Tokens) Tokenize(TrainSettings run, ModelText text, ValidationSplit split, IReadOnlyList<string> silenced, List<string> choices, Action<string>? progress, CancellationToken cancellation)
    {
        var settings = run.Data;
        var skips = settings.OnBadRow == "skip";
        var limit = (int)Math.Min(settings.MaxLength ?? 2048, text.MaxPositions);
        var builder = new ExampleBuilder(text.Tokenizer, text.ChatTemplate, text.TokenizerConfig.EosToken, new ExampleOptions { MaxLength = limit, TrainOn = Enum.Parse<TrainOn>(settings.TrainOn, ignoreCase: true), Use = run.Objective.Rows, SkipUnsupervised = skips || silenced.Contains(GuardIds.NothingSupervised), SkipBadRows = skips });
        var tokens = new RunTokens(TokenCache.OfUser(settings.DataCache == "on"), text, builder, progress);
        var (examples, held) = tokens.Build(split, cancellation);
        if (settings.MaxLength is null) choices.Add($"max-length {limit}: the smaller of 2048 and the model's {text.MaxPositions} positions; the longest row has {examples.Examples.Max(e => e.PairLength)} tokens");
        if (examples.SplitTexts is > 0 and var texts) choices.Add($"texts: {texts} are longer than {limit} tokens and were split into consecutive pieces, {examples.Examples.Count} examples in all");
        return (examples, held, limit, tokens);
    }
}
