using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax;

// Literals, names and the displays of lists, tuples and dictionaries.

internal sealed class Literal(object? value) : Expression
{
    public object? Value { get; } = value;
    public override IEnumerable<Node> Children => [];

    public override object? Evaluate(Interpreter interpreter, Activation activation) => Value;
}

/// <summary>Text between the tags. It is printed as it is, even where output is escaped.</summary>
internal sealed class TemplateData(string text) : Expression
{
    public string Text { get; } = text;
    public override IEnumerable<Node> Children => [];

    public override object? Evaluate(Interpreter interpreter, Activation activation) => Text;
}

/// <summary>A node that can stand on the left of an assignment.</summary>
internal abstract class Target : Expression
{
    public abstract void Assign(Interpreter interpreter, Activation activation, object? value);

    public abstract Target Clone();
}

internal sealed class Name(string text, NameUse use) : Target
{
    public string Text { get; } = text;
    public NameUse Use { get; set; } = use;

    /// <summary>Where the value is, set by <see cref="Scoping.ScopeResolver"/>.</summary>
    public Slot Slot { get; set; }

    public override IEnumerable<Node> Children => [];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        var value = Slot.Read(activation);
        return ReferenceEquals(value, Missing.Value) ? Undefined.Name(Text) : value;
    }

    public override void Assign(Interpreter interpreter, Activation activation, object? value) => activation.Slots[Slot.Index] = value;

    public override Target Clone() => new Name(Text, Use) { Line = Line };
}

/// <summary><c>name.attribute</c> on the left of a set: assigns to a namespace.</summary>
internal sealed class NamespaceTarget(string name, string attribute) : Target
{
    public string Text { get; } = name;
    public string Attribute { get; } = attribute;
    public Slot Slot { get; set; }
    public override IEnumerable<Node> Children => [];

    public override object? Evaluate(Interpreter interpreter, Activation activation) => Slot.Read(activation);

    /// <summary>Jinja checks this before it evaluates the right side.</summary>
    public void Require(Activation activation)
    {
        if (Slot.Read(activation) is not PyNamespace) throw Errors.Runtime("cannot assign attribute on non-namespace object");
    }

    public override void Assign(Interpreter interpreter, Activation activation, object? value)
    {
        Builtins.Globals.RequireAttributeName(Attribute);
        ((PyNamespace)Slot.Read(activation)!).Attributes.Set(Attribute, value);
    }

    public override Target Clone() => new NamespaceTarget(Text, Attribute) { Line = Line };
}

internal sealed class TupleDisplay(Expression[] items) : Target
{
    public Expression[] Items { get; } = items;
    public override IEnumerable<Node> Children => Items;

    public override object? Evaluate(Interpreter interpreter, Activation activation) => new PyTuple(ListDisplay.EvaluateAll(Items, interpreter, activation));

    public override void Assign(Interpreter interpreter, Activation activation, object? value)
    {
        if (!Python.Iteration.IsIterable(value)) throw Errors.Type($"cannot unpack non-iterable {Python.Types.NameOf(value)} object");
        if (value is PySequence { Items: var ready } && ready.Length == Items.Length)
        {
            for (var i = 0; i < ready.Length; i++) ((Target)Items[i]).Assign(interpreter, activation, ready[i]);
            return;
        }
        var iterator = Python.Iteration.Over(value);
        var values = new object?[Items.Length];
        for (var i = 0; i < values.Length; i++)
            if (!iterator.MoveNext(out values[i])) throw Errors.Value($"not enough values to unpack (expected {Items.Length}, got {i})");
        if (iterator.MoveNext(out _)) throw Errors.Value($"too many values to unpack (expected {Items.Length})");
        for (var i = 0; i < values.Length; i++) ((Target)Items[i]).Assign(interpreter, activation, values[i]);
    }

    public override Target Clone() => new TupleDisplay([.. Items.Select(i => (Expression)((Target)i).Clone())]) { Line = Line };
}

internal sealed class ListDisplay(Expression[] items) : Expression
{
    public override IEnumerable<Node> Children => items;

    public override object? Evaluate(Interpreter interpreter, Activation activation) => new PyList(EvaluateAll(items, interpreter, activation));

    public static object?[] EvaluateAll(Expression[] items, Interpreter interpreter, Activation activation)
    {
        if (items.Length == 0) return [];
        var values = new object?[items.Length];
        for (var i = 0; i < values.Length; i++) values[i] = items[i].Evaluate(interpreter, activation);
        return values;
    }
}

internal sealed class DictDisplay((Expression Key, Expression Value)[] pairs) : Expression
{
    public override IEnumerable<Node> Children => pairs.SelectMany(p => new Node[] { p.Key, p.Value });

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        var dict = new PyDict(pairs.Length);
        foreach (var (key, value) in pairs) dict.Set(key.Evaluate(interpreter, activation), value.Evaluate(interpreter, activation));
        return dict;
    }
}
