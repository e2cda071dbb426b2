using System.Text.Json;
using LowRank.Cli.Terminal;
using LowRank.Training.Data;

namespace LowRank.Cli.Inspection;

/// <summary>Prints a data set as it stands in its file, without a model.</summary>
internal static class RowsView
{
    /// <summary>Prints it.</summary>
    public static void Show(Screen screen, Dataset data, int rows)
    {
        screen.Fields([("file", data.Path), ("format", data.Format.ToString()), ("rows", Quantity.Count(data.Rows.Count))]);
        foreach (var row in data.Rows.Take(rows))
        {
            screen.Out.WriteLine($"\n{row.Place}");
            screen.Out.WriteLine(Printable.Of(Text(row)));
        }
        ProblemsView.Show(screen, data.Problems);
    }

    private static string Text(DataRow row) => Body(row) + (row.Chosen is { } chosen && row.Rejected is { } rejected ? $"\nchosen: {Answer(chosen)}\nrejected: {Answer(rejected)}" : "")
        + (row.Label is { } label ? $"\nlabel: {(label ? "good" : "bad")}" : "");

    private static string Answer(JsonElement answer) => answer.ValueKind == JsonValueKind.String ? answer.GetString()! : string.Join('\n', answer.EnumerateArray().Select(m => m.GetRawText()));

    private static string Body(DataRow row) =>
        row.Messages is { } messages ? string.Join('\n', messages.EnumerateArray().Select(m => m.GetRawText()))
        : row.Prompt is not null && row.Completion is null ? $"prompt: {row.Prompt}"
        : row.Prompt is not null ? $"prompt: {row.Prompt}\ncompletion: {row.Completion}"
        : row.Text ?? $"ids: {string.Join(' ', row.InputIds ?? [])}";
}
