using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Syntax;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax
{
    /// <summary>Where a variable is: in the activation so many functions further out, at an index.</summary>
    internal readonly record struct Slot(int Hops, int Index)
    {
        public object? Read(Activation activation)
        {
            for (var i = 0; i < Hops; i++) activation = activation.Outer!;
            return activation.Slots[Index];
        }
    }
}

namespace LowRank.Models.Templates.Jinja.Scoping
{
    /// <summary>A variable: Jinja gives every scope a level and lets a name in it be one variable.</summary>
    internal readonly record struct Variable(int Level, string Name);

    /// <summary>What runs with variables of its own: the template, a macro, a call block's body, a recursive loop, a block.</summary>
    internal sealed class FunctionScope(FunctionScope? outer, int level)
    {
        private readonly Dictionary<Variable, int> _slots = [];

        public FunctionScope? Outer => outer;

        /// <summary>Scopes of this level and deeper are in this function.</summary>
        public int Level => level;

        public int SlotCount => _slots.Count;

        public int IndexOf(Variable variable)
        {
            if (!_slots.TryGetValue(variable, out var index)) _slots[variable] = index = _slots.Count;
            return index;
        }

        public Slot Find(Variable variable)
        {
            var (function, hops) = (this, 0);
            for (; variable.Level < function.Level; hops++) function = function.Outer!;
            return new Slot(hops, function.IndexOf(variable));
        }
    }

    internal enum LoadKind { Parameter, Resolve, Alias, Undefined }

    /// <summary>What a variable of a scope begins with: the value of the outer one, of the template's input, or nothing.</summary>
    internal readonly record struct FrameLoad(int Target, LoadKind Kind, Slot Source, string Name)
    {
        public static void Enter(FrameLoad[] loads, Interpreter interpreter, Activation activation)
        {
            foreach (var load in loads)
                activation.Slots[load.Target] = load.Kind switch
                {
                    LoadKind.Resolve => interpreter.Resolve(load.Name),
                    LoadKind.Alias => load.Source.Read(activation),
                    _ => Missing.Value,
                };
        }
    }
}
