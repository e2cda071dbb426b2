using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Scoping;
using LowRank.Models.Templates.Jinja.Syntax;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Runtime;

/// <summary>A macro with the scope it was defined in. Calling it gives what its body prints.</summary>
internal sealed class MacroFunction(MacroBody definition, Activation outer) : PyCallable
{
    public override string TypeName => "Macro";

    public string? Name => definition.Name;

    public bool TryAttribute(string name, out object? value)
    {
        value = name switch
        {
            "name" => definition.Name,
            "arguments" => new PyTuple([.. definition.Parameters.Select(p => (object?)p.Text)]),
            "catch_kwargs" => Types.Box(definition.NamedSlot is not null),
            "catch_varargs" => Types.Box(definition.MoreSlot is not null),
            "caller" => Types.Box(definition.UsesCaller),
            _ => Missing.Value,
        };
        return value is not Missing;
    }

    public override object Call(Interpreter interpreter, in CallArguments arguments)
    {
        using var _ = interpreter.Enter();
        var own = new Activation(definition.Function.SlotCount, outer);
        Bind(own, arguments);
        var before = interpreter.Output;
        interpreter.Output = new TextBuilder(interpreter.Limits.OutputLength);
        try
        {
            FrameLoad.Enter(definition.Frame, interpreter, own);
            FillDefaults(interpreter, own);
            Statement.Run(definition.Body, interpreter, own);
            interpreter.Charge(interpreter.Output.Length);
            var text = interpreter.Output.ToValue();
            return interpreter.AutoEscape ? Texts.AsMarkup(text) : text;
        }
        finally
        {
            interpreter.Output = before;
        }
    }

    private void Bind(Activation own, in CallArguments arguments)
    {
        var parameters = definition.Parameters;
        var given = Math.Min(arguments.Positional.Length, parameters.Length);
        for (var i = 0; i < given; i++) own.Slots[parameters[i].Slot.Index] = arguments.Positional[i];
        var taken = 0;
        var foundCaller = given == parameters.Length && Array.Exists(parameters, p => p.Text == "caller");
        for (var i = given; i < parameters.Length; i++)
        {
            foundCaller |= parameters[i].Text == "caller";
            if (arguments.Named is null || !arguments.Named.TryGet(parameters[i].Text, out var value)) continue;
            own.Slots[parameters[i].Slot.Index] = value;
            taken++;
        }
        if (definition.UsesCaller && !foundCaller)
        {
            var caller = arguments.Named is not null && arguments.Named.TryGet("caller", out var passed) ? passed : null;
            if (arguments.Named?.Contains("caller") == true) taken++;
            if (definition.CallerSlot is { } slot) own.Slots[slot] = caller ?? Undefined.Because("No caller defined");
        }
        if (definition.NamedSlot is { } rest) own.Slots[rest] = Rest(arguments.Named, given, definition.UsesCaller && !foundCaller);
        else if (taken < arguments.NamedCount) throw Unexpected(arguments.Named!, given);
        if (definition.MoreSlot is { } more) own.Slots[more] = new PyTuple(arguments.Positional[given..]);
        else if (arguments.Positional.Length > parameters.Length)
            throw Errors.Type($"macro {Representation.Of(definition.Name)} takes not more than {parameters.Length} argument(s)");
    }

    /// <summary>The named arguments that no parameter took.</summary>
    private PyDict Rest(PyDict? named, int given, bool takesCaller)
    {
        var rest = new PyDict();
        for (var i = 0; i < (named?.Count ?? 0); i++)
        {
            var name = (string)named!.KeyAt(i)!;
            if (Array.FindIndex(definition.Parameters, given, p => p.Text == name) < 0 && !(takesCaller && name == "caller")) rest.Set(name, named.ValueAt(i));
        }
        return rest;
    }

    private ChatTemplateException Unexpected(PyDict named, int given)
    {
        var rest = Rest(named, given, takesCaller: false);
        return Errors.Type(rest.Contains("caller")
            ? $"macro {Representation.Of(definition.Name)} was invoked with two values for the special caller argument. This is most likely a bug."
            : $"macro {Representation.Of(definition.Name)} takes no keyword argument {Representation.Of(rest.KeyAt(0))}");
    }

    private void FillDefaults(Interpreter interpreter, Activation own)
    {
        var (parameters, defaults) = (definition.Parameters, definition.Defaults);
        for (var i = 0; i < parameters.Length; i++)
        {
            ref var slot = ref own.Slots[parameters[i].Slot.Index];
            if (!ReferenceEquals(slot, Missing.Value)) continue;
            var at = i - (parameters.Length - defaults.Length);
            slot = at >= 0 ? defaults[at].Evaluate(interpreter, own) : Undefined.Because($"parameter '{parameters[i].Text}' was not provided");
        }
    }
}
