using LowRank.Models.Tokenization;

namespace LowRank.Training.Data.Reports;

/// <summary>A data set through the eyes of a model, a stretch of rows in memory at a time.</summary>
/// <param name="Preview">Some rows, and numbers on all of them.</param>
/// <param name="Lengths">Tokens of each row that can be used, before truncation.</param>
/// <param name="TooLong">Rows that are longer than what is kept of a row.</param>
internal sealed record DataLook(DatasetPreview Preview, IReadOnlyList<int> Lengths, FoundRows TooLong)
{
    private const int Stretch = 1024;

    /// <summary>Looks at all rows. Of a preference row both answers are shown, each behind its prompt; a judged answer is shown as any other.</summary>
    public static DataLook At(Dataset data, ExampleBuilder builder, Tokenizer tokenizer, int rows, CancellationToken cancellation)
    {
        builder = builder.ForAnswers();
        var (light, shown, lengths, faults, tooLong) = (new List<Example?>(), new List<PreviewRow>(), new List<int>(), new List<Problem>(), FoundRows.None);
        foreach (var stretch in data.Rows.SelectMany(RowObjectives.Answers).Chunk(Stretch))
        {
            var (built, problems) = builder.BuildAll(stretch, cancellation);
            faults.AddRange(problems);
            foreach (var example in built)
            {
                light.Add(example?.WithoutTokens());
                if (example is null) continue;
                // A text in pieces has its own length, of which each piece repeats a token.
                if (example.Piece == 0) lengths.Add(example.Length + example.LostTokens);
                else lengths[^1] += example.Length - 1;
                if (shown.Count < rows) shown.Add(DatasetPreview.Row(example, tokenizer));
                if (example.LostTokens > 0) tooLong = tooLong.With($"{example.Row?.Place} has {example.Length + example.LostTokens} tokens");
            }
        }
        var examples = light.OfType<Example>().ToArray();
        var statistics = DatasetStatistics.Of(examples, data.Rows.Count, Truncation.Report(light, builder.Options.MaxLength));
        // What reading told as a warning and training refuses is told once, as the error.
        faults = [.. faults.Distinct()];
        var refused = faults.Select(f => (f.Line, f.Message)).ToHashSet();
        var problemsOfAll = data.Problems.Where(p => !refused.Contains((p.Line, p.Message))).Concat(faults).OrderBy(p => p.Line).ToArray();
        return new DataLook(new DatasetPreview(data.Path, data.Format, shown, statistics, problemsOfAll), lengths, tooLong);
    }
}
