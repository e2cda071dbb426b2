using LowRank.Models.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Planning.Reports;

/// <summary>The amount of data that a run goes through in one epoch.</summary>
/// <param name="Examples">Rows; null where only tokens are known.</param>
/// <param name="Tokens">Tokens.</param>
/// <param name="SupervisedShare">Share of the tokens that the loss counts.</param>
/// <param name="LongestRow">Tokens of the longest row; null where only tokens are known.</param>
/// <param name="Origin">Where the figures come from, as text.</param>
/// <param name="Statistics">All figures, where the rows were tokenized.</param>
public sealed record PlannedData(long? Examples, long Tokens, double SupervisedShare, int? LongestRow, string Origin, DatasetStatistics? Statistics)
{
    /// <summary>Characters of a token of English text, for models whose tokenizer is not at hand.</summary>
    private const double CharactersPerToken = 4;

    /// <summary>What is assumed where nothing tells which tokens are learned; as <c>lowrank bench</c> does.</summary>
    public const double AssumedShare = 0.5;

    /// <summary>Measures a data file: with the model's tokenizer, or by its characters where only the model's name is known.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxLength">Tokens kept of a row.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="LowRankException">The file cannot be read, or no row can be used.</exception>
    public static PlannedData Of(string path, ModelSource model, int maxLength, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var data = DataSource.Load(path, cancellation: cancellation);
        if (model.Path is null || !HasTokenizer(model.Path)) return Estimate(data, maxLength);
        var text = ModelText.Load(model.Path, null, cancellation);
        var limit = (int)Math.Min(maxLength, text.MaxPositions);
        var statistics = DatasetPreview.Create(data, new ExampleBuilder(text.Tokenizer, text.ChatTemplate, text.TokenizerConfig.EosToken, new ExampleOptions { MaxLength = limit, Preferences = data.Format == DataFormat.Preference }), text.Tokenizer, 0, cancellation).Statistics;
        if (statistics.Tokens == 0) throw new LowRankException($"{path}: no row has anything to learn; see lowrank inspect {path} --model {model.Name}.");
        return new PlannedData(statistics.Rows, statistics.Tokens, statistics.SupervisedShare, Math.Min(statistics.MaxLength, limit), $"{path}, tokenized", statistics);
    }

    private static bool HasTokenizer(string path) => File.Exists(path) || File.Exists(System.IO.Path.Combine(path, "tokenizer.json"));

    private static PlannedData Estimate(Dataset data, int maxLength)
    {
        var lengths = data.Rows.Select(r => (int)Math.Clamp(Math.Ceiling(Characters(r) / CharactersPerToken), 2, maxLength)).ToArray();
        if (lengths.Length == 0) throw new LowRankException($"{data.Path} has no rows.");
        return new PlannedData(lengths.Length, lengths.Sum(l => (long)l), AssumedShare, lengths.Max(), $"{data.Path}, estimated at {CharactersPerToken:0} characters a token because the model's tokenizer is not here", null);
    }

    private static double Characters(DataRow row) =>
        row.InputIds is { } ids ? ids.Count * CharactersPerToken
        : row.Messages is { } messages ? messages.GetRawText().Length
        : (row.Text?.Length ?? 0) + (row.Prompt?.Length ?? 0) + (row.Completion?.Length ?? 0);
}
