using System.Globalization;
using Spectre.Console;

namespace LowRank.Cli.Terminal;

/// <summary>
/// Where the program prints: results on <see cref="Out"/>, what it is doing and what is wrong on <see cref="Error"/>. Colours and live displays are used on a
/// terminal only, and no colours where NO_COLOR is set (no-color.org).
/// </summary>
internal sealed class Screen
{
    private const int WidestHelp = 100;
    private const int Unlimited = 1 << 20;

    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress and errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Typed or piped input.</summary>
    public TextReader In { get; init; } = TextReader.Null;

    /// <summary>Whether results go to a terminal that understands cursor movements.</summary>
    public bool IsLive { get; init; }

    /// <summary>Whether progress goes to such a terminal.</summary>
    public bool IsErrorLive { get; init; }

    /// <summary>Whether somebody types the input.</summary>
    public bool IsInputTyped { get; init; }

    /// <summary>Whether colours are wanted.</summary>
    public bool Colors { get; init; }

    /// <summary>Columns of the terminal, or of COLUMNS; null where nothing limits a line.</summary>
    public int? Columns { get; init; }

    /// <summary>Where help breaks its lines.</summary>
    public int HelpWidth => Math.Min(Columns ?? 80, WidestHelp);

    /// <summary>The same as <see cref="Out"/>, with styles.</summary>
    public IAnsiConsole Console => field ??= Styled(Out, IsLive);

    /// <summary>The same as <see cref="Error"/>, with styles.</summary>
    public IAnsiConsole ErrorConsole => field ??= Styled(Error, IsErrorLive);

    /// <summary>The console of this process.</summary>
    public static Screen OfProcess()
    {
        if (OperatingSystem.IsWindows()) System.Console.OutputEncoding = System.Console.InputEncoding = new System.Text.UTF8Encoding(false);
        var dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        var isLive = !System.Console.IsOutputRedirected && !dumb;
        return new Screen
        {
            Out = System.Console.Out,
            Error = System.Console.Error,
            In = System.Console.In,
            IsLive = isLive,
            IsErrorLive = !System.Console.IsErrorRedirected && !dumb,
            IsInputTyped = !System.Console.IsInputRedirected,
            Colors = isLive && Environment.GetEnvironmentVariable("NO_COLOR") is null or "",
            Columns = ColumnsOf(!System.Console.IsOutputRedirected),
        };
    }

    /// <summary>Tells what is being done.</summary>
    public void Progress(string line) => Error.WriteLine(line);

    /// <summary>Tells what a person should know although it goes on.</summary>
    public void Warn(string message) => Error.WriteLine($"warning: {Printable.Of(message)}");

    /// <summary>Prints labels with texts in two columns, or below each other where the terminal is narrow.</summary>
    public void Fields(IReadOnlyList<(string Label, string Text)> fields, int indent = 0)
    {
        if (fields.Count == 0) return;
        var column = indent + fields.Max(f => DisplayWidth.Of(f.Label)) + 2;
        var width = Columns ?? Unlimited;
        // Below 24 columns of text every line would hold two words.
        var stacked = width - column < 24;
        foreach (var (label, text) in fields)
        {
            var lines = TextWrap.Lines(text, width, stacked ? indent + 2 : column).ToList();
            var margin = new string(' ', indent);
            Out.WriteLine(stacked ? margin + label : (margin + DisplayWidth.Pad(label, column - indent) + lines[0].TrimStart()).TrimEnd());
            foreach (var line in stacked ? lines : lines.Skip(1)) Out.WriteLine(line);
        }
    }

    /// <summary>Writes text in a style, without breaking it.</summary>
    public void Write(string text, string? style = null)
    {
        if (!Colors || style is null) Out.Write(text);
        else Console.Write(new Text(text, Style.Parse(style)) { Overflow = Overflow.Fold });
    }

    /// <summary>Shows the cursor again that a live display hid.</summary>
    public void RestoreCursor()
    {
        if (IsLive) Out.Write("\e[?25h");
    }

    /// <summary>Writes what is still held.</summary>
    public void Flush()
    {
        Out.Flush();
        Error.Flush();
    }

    private IAnsiConsole Styled(TextWriter writer, bool live)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = live ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = Colors && live ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = live ? InteractionSupport.Yes : InteractionSupport.No,
        });
        console.Profile.Width = Columns ?? Unlimited;
        return console;
    }

    private static int? ColumnsOf(bool terminal)
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), NumberStyles.None, CultureInfo.InvariantCulture, out var set) && set > 0) return set;
        return terminal && System.Console.WindowWidth is > 0 and var width ? width : null;
    }
}
