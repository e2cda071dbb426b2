using LowRank.Models.Templates.Jinja.Runtime;

namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>
/// A filter, test, method or function with the parameters of its Python original, so that arguments may be given by position or by name.
/// </summary>
internal sealed class Builtin
{
    public delegate object? Body(Interpreter interpreter, object? self, object?[] arguments);

    public delegate object? VariadicBody(Interpreter interpreter, object? self, CallArguments arguments);

    private readonly Body? _body;
    private readonly VariadicBody? _variadic;
    private readonly string[] _parameters = [];
    private readonly int _required;

    /// <param name="name">The name in messages.</param>
    /// <param name="parameters">The parameters after the object itself, separated by spaces; optional ones end with <c>?</c>.</param>
    /// <param name="body">Gets one argument for each parameter; <see cref="Missing.Value"/> for those not given.</param>
    public Builtin(string name, string parameters, Body body)
    {
        Name = name;
        _body = body;
        _parameters = parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _required = Array.FindIndex(_parameters, p => p.EndsWith('?')) is var first and >= 0 ? first : _parameters.Length;
        for (var i = 0; i < _parameters.Length; i++) _parameters[i] = _parameters[i].TrimEnd('?');
    }

    /// <summary>A function that takes its arguments as they come.</summary>
    public Builtin(string name, VariadicBody body)
    {
        Name = name;
        _variadic = body;
    }

    public string Name { get; }

    /// <summary>Takes no arguments by name, as most methods that are written in C.</summary>
    public bool PositionalOnly { get; init; }

    public object? Call(Interpreter interpreter, object? self, in CallArguments arguments)
    {
        if (_variadic is not null) return _variadic(interpreter, self, arguments);
        return _body!(interpreter, self, _parameters.Length == 0 && arguments.Positional.Length == 0 && arguments.NamedCount == 0 ? [] : Bind(arguments));
    }

    private object?[] Bind(in CallArguments arguments)
    {
        if (PositionalOnly && arguments.NamedCount > 0) throw Errors.Type($"{Name}() takes no keyword arguments");
        if (arguments.Positional.Length > _parameters.Length)
            throw Errors.Type($"{Name}() takes at most {_parameters.Length} argument{(_parameters.Length == 1 ? "" : "s")} ({arguments.Positional.Length} given)");
        var bound = new object?[_parameters.Length];
        Array.Fill(bound, Missing.Value);
        arguments.Positional.CopyTo(bound, 0);
        for (var i = 0; i < arguments.NamedCount; i++)
        {
            var name = (string)arguments.Named!.KeyAt(i)!;
            var at = Array.IndexOf(_parameters, name);
            if (at < 0) throw Errors.Type($"{Name}() got an unexpected keyword argument '{name}'");
            if (bound[at] is not Missing) throw Errors.Type($"{Name}() got multiple values for argument '{name}'");
            bound[at] = arguments.Named.ValueAt(i);
        }
        for (var i = 0; i < _required; i++)
            if (bound[i] is Missing) throw Errors.Type($"{Name}() missing 1 required positional argument: '{_parameters[i]}'");
        return bound;
    }
}
