using LowRank.Cli.Terminal;
using Spectre.Console;

namespace LowRank.Cli.Plans;

/// <summary>A table of few columns: the first of words, the others of figures. It is plain text where there is no terminal.</summary>
internal sealed class Grid
{
    private readonly Table table = new() { Border = TableBorder.Simple, ShowRowSeparators = false };

    /// <param name="title">What the table shows.</param>
    /// <param name="first">The head of the column of words.</param>
    /// <param name="columns">The heads of the columns of figures; they may have several lines.</param>
    public Grid(string title, string first, IEnumerable<string> columns)
    {
        Title = title;
        table.AddColumn(new TableColumn(new Text(first)).PadLeft(0).PadRight(1));
        foreach (var column in columns) table.AddColumn(new TableColumn(new Text(column).RightJustified()).RightAligned().PadLeft(1).PadRight(0));
    }

    private string Title { get; }

    /// <summary>Adds a row.</summary>
    /// <param name="label">Its words.</param>
    /// <param name="cells">Its figures.</param>
    /// <param name="style">A style for the whole row, or null.</param>
    public void Add(string label, IEnumerable<string> cells, string? style = null)
    {
        var look = style is null ? Style.Plain : Style.Parse(style);
        table.AddRow([new Text(label, look), .. cells.Select(c => new Text(c, look))]);
    }

    /// <summary>Prints it.</summary>
    public void Write(Screen screen)
    {
        screen.Out.WriteLine();
        foreach (var line in TextWrap.Lines(Title, screen.Columns ?? int.MaxValue)) screen.Out.WriteLine(line);
        screen.Console.Write(table);
    }
}
