using LowRank.Models.Templates.Jinja.Syntax;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Runtime;

/// <summary>One rendering: its input, its output and what it has used of its limits.</summary>
internal sealed class Interpreter(ChatTemplateLimits limits, IReadOnlyDictionary<string, object?> variables, TimeProvider clock, bool tracing)
{
    private Dictionary<string, object?>? _exported;
    private long _steps;
    private long _made;
    private int _depth;

    public ChatTemplateLimits Limits { get; } = limits;

    public TimeProvider Clock { get; } = clock;

    /// <summary>The rendering is to know where its text came from.</summary>
    public bool Tracing { get; } = tracing;

    public bool AutoEscape { get; set; }

    public TextBuilder Output { get; set; } = new(limits.OutputLength, isPooled: true);

    /// <summary>The line of the statement that runs, for messages.</summary>
    public int Line { get; private set; }

    /// <summary>Begins the statement at a line.</summary>
    public void At(int line)
    {
        Line = line;
        Step();
    }

    /// <exception cref="ChatTemplateException">The limit of steps is reached.</exception>
    public void Step()
    {
        if (++_steps > Limits.Steps) throw Errors.Limit($"it takes more than {Limits.Steps} steps");
    }

    /// <summary>Counts text or elements that are about to be made.</summary>
    /// <exception cref="ChatTemplateException">The limit of what may be made is reached.</exception>
    public void Charge(long length)
    {
        if (length < 0 || (_made += Math.Min(length, long.MaxValue / 2)) > Limits.MadeLength)
            throw Errors.Limit($"it makes texts and lists of more than {Limits.MadeLength} characters and elements");
    }

    /// <summary>Enters a macro or a level of a recursive loop; disposing the result leaves it.</summary>
    public DepthScope Enter()
    {
        if (_depth >= Limits.Depth) throw Errors.Limit($"it calls itself more than {Limits.Depth} levels deep");
        _depth++;
        return new DepthScope(this);
    }

    public readonly struct DepthScope(Interpreter interpreter) : IDisposable
    {
        public void Dispose() => interpreter._depth--;
    }

    /// <summary>A variable of the input or the environment; <see cref="Missing.Value"/> where there is none.</summary>
    public object? Resolve(string name) =>
        _exported is not null && _exported.TryGetValue(name, out var value) ? value
        : variables.TryGetValue(name, out value) ? value
        : Builtins.Globals.All.TryGetValue(name, out value) ? value
        : Missing.Value;

    /// <summary>Publishes variables of the outermost scope to the blocks of the template.</summary>
    public void Export(Name[]? names, Activation activation)
    {
        if (names is null) return;
        _exported ??= new(StringComparer.Ordinal);
        foreach (var name in names) _exported[name.Text] = name.Slot.Read(activation);
    }

    /// <summary>Runs statements and gives what they print as a <c>str</c>.</summary>
    public object Capture(Statement[] body, Activation activation, out Flow flow)
    {
        var before = Output;
        Output = new TextBuilder(Limits.OutputLength);
        flow = Statement.Run(body, this, activation);
        var text = Output.ToValue();
        Charge(Output.Length);
        Output = before;
        return text;
    }
}
