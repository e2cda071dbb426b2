using LowRank.Cli.Terminal;
using LowRank.Training.Planning.Reports;

namespace LowRank.Cli.Plans;

/// <summary>Prints the lecture's bill beside the exact one, line by line.</summary>
internal static class LectureView
{
    /// <summary>Prints it.</summary>
    public static void Show(Screen screen, IReadOnlyList<LectureLine> lines, bool json)
    {
        if (json)
        {
            screen.Json(lines);
            return;
        }
        foreach (var line in TextWrap.Lines("The lecture's memory bill for a 7B model (Llama-2-7B), GB of 10⁹ bytes", screen.Columns ?? int.MaxValue)) screen.Out.WriteLine(line);
        foreach (var line in lines)
        {
            screen.Out.WriteLine($"\n{line.Claim}  {line.Item}");
            screen.Fields([("lecture", line.Lecture), ("exact", line.Exact), ("why", line.Reason)], indent: 4);
        }
    }
}
