using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Scoping;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary><c>{% for target in source if test recursive %} … {% else %} … {% endfor %}</c>.</summary>
internal sealed class Loop(Target target, Expression source, Statement[] body, Statement[] otherwise, Expression? test, bool recursive) : Statement
{
    public Target Target => target;
    public Expression Source => source;
    public Statement[] Body => body;
    public Statement[] Otherwise => otherwise;
    public Expression? Condition => test;
    public bool IsRecursive => recursive;

    /// <summary>The target as the test sees it: the test runs ahead of the body, so it has variables of its own.</summary>
    public Target TestTarget { get; } = target.Clone();

    public override IEnumerable<Node> Children => [target, source, .. body, .. otherwise, .. test is null ? (Node[])[] : [test]];

    // What the resolver finds out.
    public FrameLoad[] BodyFrame { get; set; } = [];
    public FrameLoad[] TestFrame { get; set; } = [];
    public FrameLoad[] ElseFrame { get; set; } = [];

    /// <summary>The slot of <c>loop</c>, or null where the body does not use it.</summary>
    public int? LoopSlot { get; set; }

    /// <summary>The function of a recursive loop.</summary>
    public FunctionScope? Function { get; set; }

    public override Flow Execute(Interpreter interpreter, Activation activation)
    {
        var values = source.Evaluate(interpreter, activation);
        if (recursive) interpreter.Output.AppendText(Recurse(interpreter, activation, values, 0));
        else Rounds(interpreter, activation, values, null, 0);
        return Flow.Next;
    }

    /// <summary>Renders one level of a recursive loop.</summary>
    public object Recurse(Interpreter interpreter, Activation outer, object? values, int depth)
    {
        using var _ = interpreter.Enter();
        var own = new Activation(Function!.SlotCount, outer);
        var before = interpreter.Output;
        interpreter.Output = new TextBuilder(interpreter.Limits.OutputLength);
        try
        {
            Rounds(interpreter, own, values, inner => Recurse(interpreter, outer, inner, depth + 1), depth);
            var text = interpreter.Output.ToValue();
            return interpreter.AutoEscape ? Texts.AsMarkup(text) : text;
        }
        finally
        {
            interpreter.Output = before;
        }
    }

    private void Rounds(Interpreter interpreter, Activation activation, object? values, Func<object?, object>? recurse, int depth)
    {
        // The mark of an empty loop is cleared where a round ends, so a loop whose rounds all end in break or continue counts as empty.
        var completed = false;
        if (test is null && LoopSlot is null && values is PySequence sequence)
        {
            foreach (var item in sequence.Items)
                if (!Round(interpreter, activation, item, ref completed)) break;
        }
        else
        {
            var iterator = Iteration.Over(values);
            if (test is not null) iterator = new EnumerableIterator(Chosen(interpreter, activation, iterator));
            var loop = LoopSlot is null ? null : new LoopContext(interpreter, test is null ? values : null, iterator, recurse, depth);
            while (loop is null ? iterator.MoveNext(out var item) : loop.MoveNext(out item))
            {
                if (loop is not null) activation.Slots[LoopSlot!.Value] = loop;
                if (!Round(interpreter, activation, item, ref completed)) break;
            }
        }
        if (otherwise.Length == 0 || completed) return;
        FrameLoad.Enter(ElseFrame, interpreter, activation);
        Run(otherwise, interpreter, activation);
    }

    private bool Round(Interpreter interpreter, Activation activation, object? item, ref bool completed)
    {
        interpreter.Step();
        target.Assign(interpreter, activation, item);
        FrameLoad.Enter(BodyFrame, interpreter, activation);
        var flow = Run(body, interpreter, activation);
        completed |= flow == Flow.Next;
        return flow != Flow.Break;
    }

    private IEnumerable<object?> Chosen(Interpreter interpreter, Activation activation, PyIterator iterator)
    {
        // The names of the test are looked up once, when the first element is asked for.
        FrameLoad.Enter(TestFrame, interpreter, activation);
        while (iterator.MoveNext(out var item))
        {
            interpreter.Step();
            TestTarget.Assign(interpreter, activation, item);
            if (Types.IsTrue(test!.Evaluate(interpreter, activation))) yield return item;
        }
    }
}
