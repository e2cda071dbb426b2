using LowRank.Models.Templates.Jinja.Runtime;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>A node of the syntax tree. It evaluates itself.</summary>
internal abstract class Node
{
    /// <summary>Line in the template, from 1.</summary>
    public int Line { get; init; }

    /// <summary>The nodes below, in the order in which Jinja visits them; the scoping rules depend on it.</summary>
    public abstract IEnumerable<Node> Children { get; }

    /// <summary>This node and all below.</summary>
    /// <remarks>Without recursion: a hostile template is a deep tree, and this runs before its depth is checked.</remarks>
    public IEnumerable<Node> Descend()
    {
        var open = new Stack<Node>([this]);
        while (open.TryPop(out var node))
        {
            yield return node;
            foreach (var child in node.Children.Reverse()) open.Push(child);
        }
    }
}

internal abstract class Expression : Node
{
    public abstract object? Evaluate(Interpreter interpreter, Activation activation);
}

internal abstract class Statement : Node
{
    public abstract Flow Execute(Interpreter interpreter, Activation activation);

    public static Flow Run(Statement[] body, Interpreter interpreter, Activation activation)
    {
        foreach (var statement in body)
        {
            interpreter.At(statement.Line);
            var flow = statement.Execute(interpreter, activation);
            if (flow != Flow.Next) return flow;
        }
        return Flow.Next;
    }
}

/// <summary>How a statement ended: what runs next.</summary>
internal enum Flow { Next, Break, Continue }

/// <summary>How a name is used where it stands.</summary>
internal enum NameUse { Load, Store, Parameter }
