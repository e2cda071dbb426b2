using LowRank.Models.Templates.Jinja.Builtins;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Scoping;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>Text and expressions that are printed one after another.</summary>
internal sealed class Output(Expression[] parts) : Statement
{
    public override IEnumerable<Node> Children => parts;

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        foreach (var part in parts)
        {
            if (part is TemplateData data) { interpreter.Output.Append(data.Text); continue; }
            interpreter.At(part.Line);
            var value = part.Evaluate(interpreter, activation);
            if (interpreter.AutoEscape && !Texts.IsMarkup(value)) value = Html.Escape(Representation.Str(value));
            interpreter.Output.AppendText(value is string ? value : Representation.Str(value));
        }
        return Flow.Next;
    }
}

internal sealed class If(Expression test, Statement[] body, If[] elifs, Statement[] otherwise) : Statement
{
    public Expression Condition => test;
    public Statement[] Body => body;
    public If[] Elifs => elifs;
    public Statement[] Otherwise => otherwise;
    public override IEnumerable<Node> Children => [test, .. body, .. elifs, .. otherwise];

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        if (Types.IsTrue(test.Evaluate(interpreter, activation))) return Run(body, interpreter, activation);
        foreach (var elif in elifs)
        {
            interpreter.At(elif.Line);
            if (Types.IsTrue(elif.Condition.Evaluate(interpreter, activation))) return Run(elif.Body, interpreter, activation);
        }
        return Run(otherwise, interpreter, activation);
    }
}

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class Assignment(Target target, Expression value) : Statement
{
    private readonly NamespaceTarget[] _namespaces = [.. target.Descend().OfType<NamespaceTarget>()];

    public Target Target => target;
    public Expression Value => value;
    public override IEnumerable<Node> Children => [target, value];

    /// <summary>The names to publish to the template's blocks; null where it has none or the scope is not the outermost.</summary>
    public Name[]? Exported { get; set; }

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        foreach (var space in _namespaces) space.Require(activation);
        target.Assign(interpreter, activation, value.Evaluate(interpreter, activation));
        interpreter.Export(Exported, activation);
        return Flow.Next;
    }
}

/// <summary><c>{% set target | filter %} … {% endset %}</c>.</summary>
internal sealed class BlockAssignment(Target target, Filter? filter, Statement[] body) : Statement
{
    public Target Target => target;
    public Filter? Filter => filter;
    public Statement[] Body => body;
    public override IEnumerable<Node> Children => [target, .. filter is null ? (Node[])[] : [filter], .. body];
    public FrameLoad[] Frame { get; set; } = [];
    public Name[]? Exported { get; set; }

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        FrameLoad.Enter(Frame, interpreter, activation);
        var text = interpreter.Capture(body, activation, out var flow);
        // A break inside leaves the loop before the assignment.
        if (flow != Flow.Next) return flow;
        var value = filter is null ? text : filter.EvaluateOn(interpreter, activation, text);
        if (interpreter.AutoEscape && Texts.IsText(value)) value = Texts.AsMarkup(value!);
        if (target is NamespaceTarget space) space.Require(activation);
        target.Assign(interpreter, activation, value);
        interpreter.Export(Exported, activation);
        return Flow.Next;
    }
}

internal sealed class FilterBlock(Filter filter, Statement[] body) : Statement
{
    public Filter Filter => filter;
    public Statement[] Body => body;
    public override IEnumerable<Node> Children => [.. body, filter];
    public FrameLoad[] Frame { get; set; } = [];

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        FrameLoad.Enter(Frame, interpreter, activation);
        var text = interpreter.Capture(body, activation, out var flow);
        if (flow != Flow.Next) return flow;
        var value = filter.EvaluateOn(interpreter, activation, text);
        interpreter.Output.AppendText(Texts.IsText(value) ? value! : throw Errors.Type($"expected str instance, {Types.NameOf(value)} found"));
        return Flow.Next;
    }
}

/// <summary><c>{% with a = 1, b = 2 %} … {% endwith %}</c>: the values are evaluated outside.</summary>
internal sealed class With(Target[] targets, Expression[] values, Statement[] body) : Statement
{
    public Target[] Targets => targets;
    public Expression[] Values => values;
    public Statement[] Body => body;
    public override IEnumerable<Node> Children => [.. targets, .. values, .. body];
    public FrameLoad[] Frame { get; set; } = [];

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        FrameLoad.Enter(Frame, interpreter, activation);
        for (var i = 0; i < targets.Length; i++) targets[i].Assign(interpreter, activation, values[i].Evaluate(interpreter, activation));
        return Run(body, interpreter, activation);
    }
}

/// <summary><c>{% autoescape on %} … {% endautoescape %}</c>.</summary>
internal sealed class AutoEscapeBlock(Expression on, Statement[] body) : Statement
{
    public Expression On => on;
    public Statement[] Body => body;
    public override IEnumerable<Node> Children => [on, .. body];
    public FrameLoad[] Frame { get; set; } = [];

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        FrameLoad.Enter(Frame, interpreter, activation);
        var before = interpreter.AutoEscape;
        interpreter.AutoEscape = Types.IsTrue(on.Evaluate(interpreter, activation));
        var flow = Run(body, interpreter, activation);
        interpreter.AutoEscape = before;
        return flow;
    }
}

/// <summary><c>{% block name %} … {% endblock %}</c>. Without inheritance it is printed where it stands, in a scope of its own.</summary>
internal sealed class Block(string name, Statement[] body) : Statement
{
    public string Name => name;
    public Statement[] Body => body;
    public override IEnumerable<Node> Children => body;
    public FrameLoad[] Frame { get; set; } = [];
    public FunctionScope Function { get; set; } = null!;

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        var own = new Activation(Function.SlotCount, null);
        FrameLoad.Enter(Frame, interpreter, own);
        Run(body, interpreter, own);
        return Flow.Next;
    }
}

internal sealed class LoopControl(Flow flow) : Statement
{
    public override IEnumerable<Node> Children => [];

    public override Flow Execute(Interpreter interpreter, Activation activation) => flow;
}

/// <summary>A tag that would read another template: a chat template has no others, and none are read from files.</summary>
internal sealed class OtherTemplate(string tag, Expression template, Name[] names) : Statement
{
    public override IEnumerable<Node> Children => [template, .. names];

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        template.Evaluate(interpreter, activation);
        throw Errors.Type($"{tag}: no loader for this environment specified (a chat template cannot read other templates)");
    }
}
