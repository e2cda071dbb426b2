using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Scoping;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>The part that macros, call blocks and generation blocks share: parameters, a body and a scope of its own.</summary>
internal sealed class MacroBody(string? name, Name[] parameters, Expression[] defaults, Statement[] body)
{
    /// <summary>The macro's name; null for the body of a call block.</summary>
    public string? Name => name;
    public Name[] Parameters => parameters;

    /// <summary>The defaults of the last parameters.</summary>
    public Expression[] Defaults => defaults;
    public Statement[] Body => body;

    // What the resolver finds out.
    public FunctionScope Function { get; set; } = null!;
    public FrameLoad[] Frame { get; set; } = [];

    /// <summary>Slots of the special parameters where the body uses them.</summary>
    public int? CallerSlot { get; set; }
    public int? NamedSlot { get; set; }
    public int? MoreSlot { get; set; }

    /// <summary>The body uses <c>caller</c>, declared as a parameter or not.</summary>
    public bool UsesCaller { get; set; }
}

internal sealed class Macro(string name, MacroBody macro) : Statement
{
    public MacroBody Definition => macro;
    public Name Target { get; } = new(name, NameUse.Store);
    public override IEnumerable<Node> Children => [.. macro.Parameters, .. macro.Defaults, .. macro.Body];
    public Name[]? Exported { get; set; }

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        Target.Assign(interpreter, activation, new MacroFunction(macro, activation));
        interpreter.Export(Exported, activation);
        return Flow.Next;
    }
}

/// <summary><c>{% call(parameters) function(arguments) %} … {% endcall %}</c>.</summary>
internal sealed class CallBlock(Call call, MacroBody macro) : Statement
{
    public Call Call => call;
    public MacroBody Definition => macro;
    public override IEnumerable<Node> Children => [call, .. macro.Parameters, .. macro.Defaults, .. macro.Body];

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        var value = call.Invoke(interpreter, activation, new MacroFunction(macro, activation));
        interpreter.Output.AppendText(Python.Representation.Str(value));
        return Flow.Next;
    }
}

/// <summary><c>{% generation %} … {% endgeneration %}</c>: prints its body, and marks it as what the assistant generated.</summary>
internal sealed class GenerationBlock(MacroBody macro) : Statement
{
    public MacroBody Definition => macro;
    public override IEnumerable<Node> Children => macro.Body;

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        var text = new MacroFunction(macro, activation).Call(interpreter, CallArguments.None)!;
        var start = interpreter.Output.Length;
        interpreter.Output.AppendText(text);
        if (interpreter.Tracing) interpreter.Output.AddRun(new TextRun(start, interpreter.Output.Length - start, TextRun.Generation, "generation"));
        return Flow.Next;
    }
}
