using System.Text;
using LowRank.Models.Tokenization;

namespace LowRank.Training.Data;

/// <summary>What a person looks at before training: some rows with what is learned in them, numbers on all rows, and problems.</summary>
/// <param name="File">The data file.</param>
/// <param name="Format">The shape of its rows.</param>
/// <param name="Rows">Some rows as the model sees them.</param>
/// <param name="Statistics">Numbers on all rows that can be used.</param>
/// <param name="Problems">Warnings from reading, and errors of rows that training would refuse.</param>
public sealed record DatasetPreview(string File, DataFormat Format, IReadOnlyList<PreviewRow> Rows, DatasetStatistics Statistics, IReadOnlyList<Problem> Problems)
{
    /// <summary>Looks at a data set through the eyes of a model. Rows that cannot be used are told and not thrown.</summary>
    /// <param name="data">The data set.</param>
    /// <param name="builder">Makes the examples.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="rows">How many rows to show, from the first on.</param>
    /// <param name="cancellation">Stops the work.</param>
    public static DatasetPreview Create(Dataset data, ExampleBuilder builder, Tokenizer tokenizer, int rows = 3, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(tokenizer);
        var (built, faults) = builder.BuildAll(data.Rows, cancellation);
        var examples = built.OfType<Example>().ToArray();
        var statistics = DatasetStatistics.Of(examples, data.Rows.Count, Truncation.Report(built, builder.Options.MaxLength));
        // What reading told as a warning and training refuses is told once, as the error.
        var refused = faults.Select(f => (f.Line, f.Message)).ToHashSet();
        var problems = data.Problems.Where(p => !refused.Contains((p.Line, p.Message))).Concat(faults).OrderBy(p => p.Line).ToArray();
        return new DatasetPreview(data.Path, data.Format, [.. examples.Take(rows).SelectMany(e => e.Rejected is null ? [e] : new[] { e, e.Rejected }).Select(e => Row(e, tokenizer))], statistics, problems);
    }

    /// <summary>Decodes one example, in stretches that are learned or not.</summary>
    /// <param name="example">The example.</param>
    /// <param name="tokenizer">The tokenizer that it was made with.</param>
    public static PreviewRow Row(Example example, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(example);
        ArgumentNullException.ThrowIfNull(tokenizer);
        var runs = new List<PreviewRun>();
        var decoder = tokenizer.CreateStreamingDecoder();
        var (text, count, supervised) = (new StringBuilder(), 0, false);
        for (var t = 0; t < example.Length; t++)
        {
            // As the loss sees it: the first token is never a target.
            var learned = t > 0 && example.Supervised[t];
            if (count > 0 && learned != supervised) Close();
            supervised = learned;
            count++;
            // A token that ends within a character shows nothing until the next completes it; step by step is how spaces survive.
            text.Append(decoder.Next(example.InputIds[t]));
        }
        if (count > 0) Close();
        return new PreviewRow(example.Row?.Place ?? "", example.Row?.Number ?? 0, example.Length, example.SupervisedTokens, example.LostTokens, runs);

        void Close()
        {
            runs.Add(new PreviewRun(text.ToString(), supervised, count));
            text.Clear();
            count = 0;
        }
    }
}
