using System.Text.Json;

namespace LowRank.Training.Data.Reports;

/// <summary>What is worth knowing about a data set before training on it.</summary>
internal sealed record DataReport
{
    /// <summary>Rows that can be read.</summary>
    public required int Rows { get; init; }

    /// <summary>Rows that are wrong and were left out.</summary>
    public required int SkippedRows { get; init; }

    /// <summary>How long the rows are.</summary>
    public required LengthHistogram Lengths { get; init; }

    /// <summary>Rows that are longer than what is kept of a row; null where no tokenizer is at hand.</summary>
    public required FoundRows? TooLong { get; init; }

    /// <summary>Rows that say what an earlier row says, word by word.</summary>
    public required FoundRows Duplicates { get; init; }

    /// <summary>Rows whose answer, or one of their answers, is empty or blank.</summary>
    public required FoundRows EmptyAnswers { get; init; }

    /// <summary>The share of tokens that are learned, the labels; null where no tokenizer is at hand.</summary>
    public required double? LabelShare { get; init; }

    /// <summary>Of judged answers (KTO) the share that is good; null for other rows.</summary>
    public required double? GoodShare { get; init; }

    /// <summary>Held-out rows among the training rows; null where no held-out rows were given.</summary>
    public required Leakage? Leakage { get; init; }

    /// <summary>Looks at all rows once.</summary>
    /// <param name="data">The rows.</param>
    /// <param name="held">Held-out rows, or null.</param>
    /// <param name="look">The rows as a model sees them, or null.</param>
    /// <param name="cancellation">Stops the work.</param>
    public static DataReport Of(Dataset data, Dataset? held, DataLook? look, CancellationToken cancellation = default)
    {
        var seen = new Dictionary<UInt128, int>();
        var prompts = held is null ? null : new Dictionary<UInt128, int>();
        var (duplicates, empty) = (FoundRows.None, FoundRows.None);
        var characters = new List<int>(look is null ? data.Rows.Count : 0);
        var (judged, good) = (0, 0);
        foreach (var (i, row) in data.Rows.Index())
        {
            if ((i & 1023) == 0) cancellation.ThrowIfCancellationRequested();
            var hash = RowHash.Of(row);
            if (!seen.TryAdd(hash, i)) duplicates = duplicates.With(() => $"{row.Place} is {data.Rows[seen[hash]].Place}");
            if (prompts is not null && RowHash.OfPrompt(row) is { } prompt) prompts.TryAdd(prompt, i);
            if (HasEmptyAnswer(row)) empty = empty.With(row.Place);
            if (row.Label is { } label) (judged, good) = (judged + 1, good + (label ? 1 : 0));
            if (look is null) characters.Add(Characters(row));
        }
        return new DataReport
        {
            Rows = data.Rows.Count,
            SkippedRows = data.SkippedRows,
            Lengths = look is null ? LengthHistogram.Of(characters, "characters") : LengthHistogram.Of(look.Lengths, "tokens"),
            TooLong = look?.TooLong,
            Duplicates = duplicates,
            EmptyAnswers = empty,
            LabelShare = look?.Preview.Statistics.SupervisedShare,
            GoodShare = judged == 0 ? null : (double)good / judged,
            Leakage = held is null ? null : Leaks(data, held, seen, prompts!),
        };
    }

    private static Leakage Leaks(Dataset data, Dataset held, Dictionary<UInt128, int> rows, Dictionary<UInt128, int> prompts)
    {
        var (same, alike) = (FoundRows.None, FoundRows.None);
        foreach (var row in held.Rows)
        {
            if (rows.TryGetValue(RowHash.Of(row), out var equal)) same = same.With(() => $"{row.Place} is {data.Rows[equal].Place}");
            else if (RowHash.OfPrompt(row) is { } prompt && prompts.TryGetValue(prompt, out var asked)) alike = alike.With(() => $"{row.Place} asks what {data.Rows[asked].Place} asks");
        }
        return new Leakage(held.Path, held.Rows.Count, same, alike);
    }

    private static bool HasEmptyAnswer(DataRow row)
    {
        if (row is { NothingToLearn: not null, Chosen: null } || row.Completion is { } completion && string.IsNullOrWhiteSpace(completion)) return true;
        foreach (var side in (JsonElement?[])[row.Chosen, row.Rejected])
            if (side is { ValueKind: JsonValueKind.String } text && string.IsNullOrWhiteSpace(text.GetString()) || side is { ValueKind: JsonValueKind.Array } turns && turns.EnumerateArray().Any(IsSilent)) return true;
        return row.Messages is { } messages && messages.EnumerateArray().Zip(row.Learned).Any(m => m.Second && IsSilent(m.First));
    }

    private static bool IsSilent(JsonElement message) => !Formats.ConversationChecks.SaysSomething(message);

    private static int Characters(DataRow row) => row.InputIds is { } ids ? ids.Count
        : (row.Text?.Length ?? 0) + (row.Prompt?.Length ?? 0) + (row.Completion?.Length ?? 0) + Said(row.Messages) + Math.Max(Said(row.Chosen), Said(row.Rejected));

    private static int Said(JsonElement? value) => value switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString()!.Length,
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray().Sum(m => m.TryGetProperty("content"u8, out var content) && content.ValueKind == JsonValueKind.String ? content.GetString()!.Length : 0),
        _ => 0,
    };
}
