using System.Runtime.CompilerServices;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax;

// Attributes, elements, slices, calls, filters and tests.

internal sealed class GetAttribute(Expression owner, string name) : Expression
{
    // Looked up once: a message is a dictionary, and its keys are read with a dot all the time.
    private readonly Builtin? _dictMethod = ContainerMethods.Dict.GetValueOrDefault(name);
    private readonly Builtin? _textMethod = TextMethods.All.GetValueOrDefault(name);

    public Expression Owner => owner;
    public override IEnumerable<Node> Children => [owner];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var value = owner.Evaluate(interpreter, activation);
        return value is PyDict dict && _dictMethod is null && dict.TryGet(name, out var element) && !ContainerMethods.Changes(dict, name) && name[0] != '_' ? element
            : Attributes.Get(value, name);
    }

    /// <summary>The method of a text or dictionary that this attribute is, to be called without an object for the bound method.</summary>
    public Builtin? MethodOf(object? value) => value is string or TracedText ? _textMethod : value is PyDict ? _dictMethod : null;

    public object? Of(object? value) => Attributes.Get(value, name);
}

internal sealed class GetItem(Expression owner, Expression index) : Expression
{
    public override IEnumerable<Node> Children => [owner, index];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return Attributes.Item(owner.Evaluate(interpreter, activation), index.Evaluate(interpreter, activation));
    }
}

internal sealed class GetSlice(Expression owner, Expression? start, Expression? stop, Expression? step) : Expression
{
    public override IEnumerable<Node> Children => new Node?[] { owner, start, stop, step }.OfType<Node>();

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var value = owner.Evaluate(interpreter, activation);
        return Indexing.Slice(interpreter, value, start?.Evaluate(interpreter, activation), stop?.Evaluate(interpreter, activation), step?.Evaluate(interpreter, activation));
    }
}

/// <summary>The arguments in a call: <c>(a, b=c, *d, **e)</c>.</summary>
internal sealed class Arguments(Expression[] positional, (string Name, Expression Value)[] named, Expression? more, Expression? moreNamed)
{
    public static Arguments None { get; } = new([], [], null, null);

    public IEnumerable<Node> Children =>
        positional.Concat(named.Select(n => n.Value)).Concat(new[] { more, moreNamed }.OfType<Expression>());

    public CallArguments Evaluate(Interpreter interpreter, Activation activation, PyCallable? caller = null)
    {
        var values = ListDisplay.EvaluateAll(positional, interpreter, activation);
        PyDict? names = null;
        foreach (var (name, value) in named) (names ??= new PyDict()).Set(name, value.Evaluate(interpreter, activation));
        if (caller is not null) (names ??= new PyDict()).Set("caller", caller);
        if (more is not null)
        {
            var rest = more.Evaluate(interpreter, activation);
            if (!Iteration.IsIterable(rest)) throw Errors.Type($"argument after * must be an iterable, not {Types.NameOf(rest)}");
            values = [.. values, .. Iteration.ToArray(interpreter, rest)];
        }
        if (moreNamed is not null)
        {
            var rest = moreNamed.Evaluate(interpreter, activation) as PyDict ?? throw Errors.Type("argument after ** must be a mapping");
            for (var i = 0; i < rest.Count; i++)
            {
                if (rest.KeyAt(i) is not string key) throw Errors.Type("keywords must be strings");
                if (names?.Contains(key) == true) throw Errors.Type($"got multiple values for keyword argument '{key}'");
                (names ??= new PyDict()).Set(key, rest.ValueAt(i));
            }
        }
        return new CallArguments(values, names);
    }
}

internal sealed class Call(Expression function, Arguments arguments) : Expression
{
    public override IEnumerable<Node> Children => arguments.Children.Prepend(function);

    public override object? Evaluate(Interpreter interpreter, Activation activation) => Invoke(interpreter, activation, null);

    public object? Invoke(Interpreter interpreter, Activation activation, PyCallable? caller)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        interpreter.Step();
        object? callee;
        if (function is GetAttribute attribute)
        {
            var owner = attribute.Owner.Evaluate(interpreter, activation);
            if (attribute.MethodOf(owner) is { } method) return method.Call(interpreter, owner, arguments.Evaluate(interpreter, activation, caller));
            callee = attribute.Of(owner);
        }
        else callee = function.Evaluate(interpreter, activation);
        var values = arguments.Evaluate(interpreter, activation, caller);
        return callee switch
        {
            PyCallable callable => callable.Call(interpreter, values),
            Undefined undefined => throw undefined.Error(),
            _ => throw Errors.Type($"'{Types.NameOf(callee)}' object is not callable"),
        };
    }
}

/// <summary><c>operand | name(arguments)</c>. Without an operand it is the filter of a block, which gives it its text.</summary>
internal sealed class Filter(Expression? operand, string name, Arguments arguments) : Expression
{
    public string Name => name;
    public Expression? Operand => operand;
    public override IEnumerable<Node> Children => operand is null ? arguments.Children : arguments.Children.Prepend(operand);

    /// <summary>The filter, set by the resolver; null where no filter has the name, which is an error only when it is reached.</summary>
    public Builtin? Function { get; set; }

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return Apply(interpreter, activation, operand!.Evaluate(interpreter, activation));
    }

    /// <summary>The value of a chain of filters over the text of a block.</summary>
    public object? EvaluateOn(Interpreter interpreter, Activation activation, object text) =>
        Apply(interpreter, activation, operand is Filter inner ? inner.EvaluateOn(interpreter, activation, text) : text);

    private object? Apply(Interpreter interpreter, Activation activation, object? value)
    {
        if (Function is null) throw Errors.Runtime($"No filter named '{name}' found.");
        interpreter.Step();
        return Function.Call(interpreter, value, arguments.Evaluate(interpreter, activation));
    }
}

/// <summary><c>operand is name(arguments)</c>.</summary>
internal sealed class Test(Expression operand, string name, Arguments arguments) : Expression
{
    public string Name => name;
    public override IEnumerable<Node> Children => arguments.Children.Prepend(operand);

    /// <summary>The test, set by the resolver; null as for <see cref="Filter.Function"/>.</summary>
    public Builtin? Function { get; set; }

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var value = operand.Evaluate(interpreter, activation);
        if (Function is null) throw Errors.Runtime($"No test named '{name}' found.");
        return Function.Call(interpreter, value, arguments.Evaluate(interpreter, activation));
    }
}
