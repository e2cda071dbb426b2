using LowRank.Models.Checkpoints;
using LowRank.Training.Data.Rows;

namespace LowRank.Training.Data.Tokens;

/// <summary>The examples of a run's rows, through the cache where that pays, else made in memory. Owns the open token files.</summary>
internal sealed class RunTokens(TokenCache cache, ModelText text, ExampleBuilder builder, Action<string>? progress) : IDisposable
{
    private readonly Dictionary<IReadOnlyList<DataRow>, TokenFile?> files = new(ReferenceEqualityComparer.Instance);

    /// <summary>The examples of training and held-out rows; null for the second where nothing is held out.</summary>
    /// <exception cref="LowRankException">Rows cannot be used.</exception>
    public (ExampleSet Training, ExampleSet? Held) Build(ValidationSplit split, CancellationToken cancellation)
    {
        var lists = new[] { RowView.Of(split.Training), RowView.Of(split.Validation) };
        // Rows that are held out of one file with the others are tokenized with them.
        foreach (var list in lists.GroupBy(l => l.Root, ReferenceEqualityComparer.Instance))
        {
            var used = list.SelectMany(l => l.Indices).DefaultIfEmpty(-1).Max() + 1;
            if (list.Key is RowList { Origins.Count: > 0 } rows && used > 0) files[rows] = cache.Open(rows, used, builder, text.Identity, progress, cancellation);
        }
        return (Of(split.Training, cancellation), split.Validation.Count == 0 ? null : Of(split.Validation, cancellation));
    }

    private ExampleSet Of(IReadOnlyList<DataRow> rows, CancellationToken cancellation)
    {
        var (root, indices) = RowView.Of(rows);
        if (files.GetValueOrDefault(root) is not { } file) return builder.Build(rows, cancellation);
        var here = file.Notes.Count == 0 ? [] : indices.ToHashSet();
        var notes = file.Notes.Where(n => here.Contains(n.Row)).Select(n => (Row: root[n.Row], n.Message, n.GuardId));
        return builder.Assemble(rows, new StoredExamples(file, root, indices, builder.Options), [.. notes.Select(n => new Problem(ProblemSeverity.Warning, n.Row.File, n.Row.Line, 0, n.Message) { GuardId = n.GuardId })]);
    }

    public void Dispose()
    {
        foreach (var file in files.Values) file?.Dispose();
    }
}
