using LowRank.Models.Templates.Jinja.Runtime;

namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>The arguments of one call: positional ones and named ones.</summary>
internal readonly struct CallArguments(object?[] positional, PyDict? named = null)
{
    public static CallArguments None => new([]);

    public object?[] Positional { get; } = positional;
    public PyDict? Named { get; } = named;
    public int NamedCount => Named?.Count ?? 0;

    public CallArguments WithoutFirst(int count) => new(Positional[count..], Named);
}

/// <summary>Anything a template can call.</summary>
internal abstract class PyCallable
{
    /// <summary>The name of the type in Python.</summary>
    public abstract string TypeName { get; }

    public abstract object? Call(Interpreter interpreter, in CallArguments arguments);
}

/// <summary>A function of the environment or a method bound to its object.</summary>
internal sealed class BoundFunction(Builtin function, object? self, string typeName) : PyCallable
{
    public Builtin Function { get; } = function;
    public object? Self { get; } = self;
    public override string TypeName => typeName;

    public override object? Call(Interpreter interpreter, in CallArguments arguments) => Function.Call(interpreter, Self, arguments);
}
