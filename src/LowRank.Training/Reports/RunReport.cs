using LowRank.Formats;
using LowRank.Training.Runs;

namespace LowRank.Training.Reports;

/// <summary>
/// The report of a run: <c>report.html</c>, one file with its pictures in it that needs neither a network nor a script, and <c>report.md</c> with its pictures in the folder
/// <c>report</c>. Both are made from the run's folder alone, so that they can be made again.
/// </summary>
internal static class RunReport
{
    /// <summary>The page.</summary>
    public const string HtmlFile = "report.html";

    /// <summary>The text.</summary>
    public const string MarkdownFile = "report.md";

    /// <summary>The folder of the text's pictures.</summary>
    public const string PicturesFolder = "report";

    /// <summary>Writes the report of a run, each file whole or not at all.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <returns>The path of the page.</returns>
    /// <exception cref="LowRankException">The folder holds no run, or the files cannot be written.</exception>
    public static string Write(string folder)
    {
        var document = ReportContent.Of(RunHistory.Load(folder));
        foreach (var picture in document.Pictures) AtomicFile.WriteAllBytes(Path.Combine(folder, PicturesFolder, picture.Name + ".png"), picture.Png);
        AtomicFile.WriteAllText(Path.Combine(folder, MarkdownFile), MarkdownWriter.Write(document));
        var page = Path.Combine(folder, HtmlFile);
        AtomicFile.WriteAllText(page, HtmlWriter.Write(document));
        return page;
    }

    /// <summary>Writes the report at the end of a run, which is not to fail for it.</summary>
    /// <returns>Why it could not be written, or null.</returns>
    public static string? TryWrite(string folder)
    {
        try
        {
            Write(folder);
            return null;
        }
        catch (LowRankException error)
        {
            return error.Message;
        }
    }
}
