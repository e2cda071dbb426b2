using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Data.Reports;
using LowRank.Training.Data.Sources;

namespace LowRank.Cli.Inspection;

/// <summary>Shows data: by itself, or as a model sees it, with what is worth knowing before training on it.</summary>
internal static class DataFile
{
    private static readonly string[] Extensions = [".jsonl", ".ndjson", ".json", ".txt", ".csv", ".tsv", ".parquet"];

    /// <summary>Whether a text names data: a file by its name, a folder with data in it, a pattern, several of them, or a data set of the hub.</summary>
    public static bool IsOne(string path) => (!Directory.Exists(path) && Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)) || (!DataFolder.IsWeights(path) && DataSource.IsComposed(path));

    /// <summary>Prints rows, numbers and problems.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="request">What is shown of which data.</param>
    /// <param name="cancellation">Stops a download, and the work.</param>
    /// <returns>The exit code: a file that training would refuse is a failure.</returns>
    public static int Show(Screen screen, DataRequest request, CancellationToken cancellation)
    {
        var data = DataSource.Load(request.Data, request.Reading, screen.Progress, cancellation);
        var held = (request.Validation ?? DataSource.ValidationOf(request.Data)) is { } validation ? DataSource.Load(validation, request.Reading, screen.Progress, cancellation, isHeldOut: true) : null;
        var look = request.Model is null ? null : Look(screen, data, request, cancellation);
        var report = DataReport.Of(data, held, look, cancellation);
        if (request.Json) Json(screen, data, report, look?.Preview, request);
        else
        {
            if (look is null) RowsView.Show(screen, data, request.Rows);
            else PreviewView.Show(screen, look.Preview);
            ReportView.Show(screen, report);
            if (look is null) screen.Out.WriteLine("\nWith --model MODEL the rows are shown as that model sees them, with what is learned marked.");
        }
        if (request.Picture is { } picture)
        {
            report.Lengths.ToPicture($"Rows by length in {report.Lengths.Unit}").Save(picture);
            if (!request.Json) screen.Out.WriteLine($"\nThe lengths are drawn in {picture}.");
        }
        return look is not null && look.Preview.Problems.Any(p => p.Severity == ProblemSeverity.Error) ? ExitCode.Failed : ExitCode.Done;
    }

    private static DataLook Look(Screen screen, Dataset data, DataRequest request, CancellationToken cancellation)
    {
        var text = ModelText.Load(request.Model!, new ModelLoadOptions { Progress = screen.Progress }, cancellation);
        var limited = request.Examples with { MaxLength = (int)Math.Min(request.Examples.MaxLength, text.MaxPositions), SkipBadRows = request.Reading.OnBadRow == BadRows.Skip };
        return DataLook.At(data, new ExampleBuilder(text.Tokenizer, text.ChatTemplate, text.TokenizerConfig.EosToken, limited), text.Tokenizer, request.Rows, cancellation);
    }

    private static void Json(Screen screen, Dataset data, DataReport report, DatasetPreview? preview, DataRequest request)
    {
        if (preview is null) screen.Json(new { File = data.Path, data.Format, Rows = data.Rows.Count, data.SkippedRows, data.Problems, Preview = data.Rows.Take(request.Rows), Report = report });
        else screen.Json(new { preview.File, preview.Format, preview.Rows, preview.Statistics, preview.Problems, Report = report });
    }
}
