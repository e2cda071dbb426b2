using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;
using LowRank.Training.Data;

namespace LowRank.Cli.Inspection;

/// <summary>Shows a data file: by itself, or as a model sees it.</summary>
internal static class DataFile
{
    private static readonly string[] Extensions = [".jsonl", ".ndjson", ".json", ".txt", ".csv", ".tsv", ".parquet"];

    /// <summary>Whether a path is that of a data file, by its name.</summary>
    public static bool IsOne(string path) => !Directory.Exists(path) && Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Prints the file's rows, numbers and problems.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="path">The file.</param>
    /// <param name="model">The model whose tokenizer and template are used, or null.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="options">What is learned, and how much of a row is kept.</param>
    /// <param name="json">Whether to print JSON.</param>
    /// <param name="cancellation">Stops a download, and the work.</param>
    /// <returns>The exit code: a file that training would refuse is a failure.</returns>
    public static int Show(Screen screen, string path, string? model, int rows, ExampleOptions options, bool json, CancellationToken cancellation)
    {
        var data = Dataset.Load(path);
        if (model is null)
        {
            RowsView.Show(screen, data, rows, json);
            return ExitCode.Done;
        }
        var text = ModelText.Load(model, new ModelLoadOptions { Progress = screen.Progress }, cancellation);
        var limited = options with { MaxLength = (int)Math.Min(options.MaxLength, text.MaxPositions), Preferences = data.Format == DataFormat.Preference };
        var preview = DatasetPreview.Create(data, new ExampleBuilder(text.Tokenizer, text.ChatTemplate, text.TokenizerConfig.EosToken, limited), text.Tokenizer, rows, cancellation);
        if (json) screen.Json(preview);
        else PreviewView.Show(screen, preview);
        return preview.Problems.Any(p => p.Severity == ProblemSeverity.Error) ? ExitCode.Failed : ExitCode.Done;
    }
}
