using LowRank.Cli.Terminal;
using LowRank.Training.Data;

namespace LowRank.Cli.Inspection;

/// <summary>Prints a data set as it stands in its file, without a model.</summary>
internal static class RowsView
{
    /// <summary>Prints it.</summary>
    public static void Show(Screen screen, Dataset data, int rows, bool json)
    {
        if (json)
        {
            screen.Json(new { File = data.Path, data.Format, Rows = data.Rows.Count, data.Problems, Preview = data.Rows.Take(rows) });
            return;
        }
        screen.Fields([("file", data.Path), ("format", data.Format.ToString()), ("rows", Quantity.Count(data.Rows.Count))]);
        foreach (var row in data.Rows.Take(rows))
        {
            screen.Out.WriteLine($"\n{row.Place}");
            screen.Out.WriteLine(Printable.Of(Text(row)));
            if (row.Rejected is { } rejected) screen.Out.WriteLine($"rejected:\n{Printable.Of(Text(rejected))}");
        }
        ProblemsView.Show(screen, data.Problems);
        screen.Out.WriteLine("\nWith --model MODEL the rows are shown as that model sees them, with what is learned marked.");
    }

    private static string Text(DataRow row) =>
        row.Messages is { } messages ? string.Join('\n', messages.EnumerateArray().Select(m => m.GetRawText()))
        : row.Prompt is not null ? $"prompt: {row.Prompt}\ncompletion: {row.Completion}"
        : row.Text ?? $"ids: {string.Join(' ', row.InputIds ?? [])}";
}
