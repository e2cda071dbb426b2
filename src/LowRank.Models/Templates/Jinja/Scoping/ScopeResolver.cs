using LowRank.Models.Templates.Jinja.Builtins;
using LowRank.Models.Templates.Jinja.Syntax;

namespace LowRank.Models.Templates.Jinja.Scoping;

/// <summary>
/// Gives every name in a parsed template its variable, following Jinja's compiler scope by scope, so that rendering only reads array
/// elements. Also looks up filters and tests: an unknown one is an error at once, except inside an if, where it is one when reached.
/// </summary>
internal sealed class ScopeResolver
{
    private readonly bool _exports;

    private ScopeResolver(bool exports) => _exports = exports;

    /// <summary>A scope that is being resolved.</summary>
    private sealed record Frame(Symbols Symbols, FunctionScope Function, bool Outermost = false, bool Soft = false)
    {
        public Frame Inner(FunctionScope? function = null) => new(new Symbols(Symbols), function ?? Function);

        public Frame Softly() => this with { Soft = true };

        /// <summary>The values that the scope's variables begin with.</summary>
        public FrameLoad[] Loads() =>
            [.. Symbols.Loads.Where(l => l.Value.Kind != LoadKind.Parameter).Select(l => new FrameLoad(
                Function.Find(l.Key).Index, l.Value.Kind, l.Value.Kind == LoadKind.Alias ? Function.Find(l.Value.Source) : default, l.Value.Name))];
    }

    /// <exception cref="ChatTemplateException">TemplateAssertionError: a filter or test is unknown.</exception>
    public static (FunctionScope Function, FrameLoad[] Loads) Resolve(Statement[] template)
    {
        var blocks = template.SelectMany(s => s.Descend()).OfType<Block>().ToArray();
        var twice = blocks.GroupBy(b => b.Name).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw Fail($"block '{twice.Key}' defined twice", twice.Last());
        var resolver = new ScopeResolver(blocks.Length > 0);
        var frame = new Frame(new Symbols(null), new FunctionScope(null, 0), Outermost: true);
        SymbolCollector.Collect(frame.Symbols, template);
        resolver.Visit(frame, template);
        return (frame.Function, frame.Loads());
    }

    private void Visit(Frame frame, IEnumerable<Node> nodes)
    {
        foreach (var node in nodes) Visit(frame, node);
    }

    private void Visit(Frame frame, Node node)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (node)
        {
            case Name name: name.Slot = SlotOf(frame, name.Text); break;
            case NamespaceTarget space: space.Slot = SlotOf(frame, space.Text); break;
            case Filter filter:
                filter.Function = Filters.All.GetValueOrDefault(filter.Name);
                if (filter.Function is null && !frame.Soft) throw Fail($"No filter named '{filter.Name}'.", node);
                Visit(frame, node.Children);
                break;
            case Test test:
                test.Function = Tests.All.GetValueOrDefault(test.Name);
                if (test.Function is null && !frame.Soft) throw Fail($"No test named '{test.Name}'.", node);
                Visit(frame, node.Children);
                break;
            case Conditional or If: Visit(frame.Softly(), node.Children); break;
            case Assignment set:
                Visit(frame, set.Target);
                Visit(frame, set.Value);
                set.Exported = Exports(frame, set.Target);
                break;
            case BlockAssignment set: VisitBlockAssignment(frame, set); break;
            case FilterBlock filter:
                var filtered = Open(frame, [.. filter.Body, filter.Filter]);
                Visit(filtered, filter.Children);
                filter.Frame = filtered.Loads();
                break;
            case With with:
                var inner = Open(frame, [.. with.Targets, .. with.Body]);
                Visit(inner, with.Targets);
                Visit(frame, with.Values);
                Visit(inner, with.Body);
                with.Frame = inner.Loads();
                break;
            case AutoEscapeBlock escape:
                var escaped = Open(frame, escape.Children);
                Visit(escaped, escape.Children);
                escape.Frame = escaped.Loads();
                break;
            case Macro macro:
                VisitMacro(frame, macro.Definition, node);
                macro.Target.Slot = SlotOf(frame, macro.Target.Text);
                macro.Exported = Exports(frame, macro.Target);
                break;
            case CallBlock call:
                VisitMacro(frame, call.Definition, node);
                Visit(frame, call.Call);
                break;
            case GenerationBlock generation: VisitMacro(frame, generation.Definition, node); break;
            case Loop loop: VisitLoop(frame, loop); break;
            case Block block:
                var own = new Frame(new Symbols(null), new FunctionScope(null, 0));
                SymbolCollector.Collect(own.Symbols, block.Body);
                Visit(own, block.Body);
                (block.Function, block.Frame) = (own.Function, own.Loads());
                break;
            default: Visit(frame, node.Children); break;
        }
    }

    private static Frame Open(Frame frame, IEnumerable<Node> nodes)
    {
        var inner = frame.Inner();
        SymbolCollector.Collect(inner.Symbols, nodes);
        return inner;
    }

    private void VisitBlockAssignment(Frame frame, BlockAssignment set)
    {
        var inner = Open(frame, [.. set.Body, .. set.Filter is null ? (Node[])[] : [set.Filter]]);
        Visit(inner, set.Body);
        Visit(frame, set.Target);
        if (set.Filter is not null) Visit(inner, set.Filter);
        set.Frame = inner.Loads();
        set.Exported = Exports(frame, set.Target);
    }

    private void VisitMacro(Frame outer, MacroBody macro, Node node)
    {
        var frame = outer.Inner(new FunctionScope(outer.Function, outer.Symbols.Level + 1));
        Node[] all = [.. macro.Parameters, .. macro.Defaults, .. macro.Body];
        SymbolCollector.Collect(frame.Symbols, all);
        var special = SymbolCollector.Undeclared(macro.Body, "caller", "kwargs", "varargs");
        if (special.Contains("caller"))
        {
            macro.UsesCaller = true;
            var at = Array.FindIndex(macro.Parameters, p => p.Text == "caller");
            if (at < 0) macro.CallerSlot = Declare("caller");
            else if (at < macro.Parameters.Length - macro.Defaults.Length)
                throw Fail("When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.", node);
        }
        if (special.Contains("kwargs") && Array.TrueForAll(macro.Parameters, p => p.Text != "kwargs")) macro.NamedSlot = Declare("kwargs");
        if (special.Contains("varargs") && Array.TrueForAll(macro.Parameters, p => p.Text != "varargs")) macro.MoreSlot = Declare("varargs");
        SymbolCollector.Collect(frame.Symbols, all);
        Visit(frame, all);
        (macro.Function, macro.Frame) = (frame.Function, frame.Loads());

        int Declare(string name) => frame.Function.IndexOf(frame.Symbols.DeclareParameter(name));
    }

    private void VisitLoop(Frame outer, Loop loop)
    {
        var assigned = loop.Descend().OfType<Name>().FirstOrDefault(n => n is { Use: NameUse.Store, Text: "loop" });
        if (assigned is not null) throw Fail("Can't assign to special loop variable in for-loop target", assigned);
        if (loop.IsRecursive) loop.Function = new FunctionScope(outer.Function, outer.Symbols.Level + 1);
        var (body, test, otherwise) = (outer.Inner(loop.Function), outer.Inner(loop.Function), outer.Inner(loop.Function));
        var usesLoop = loop.IsRecursive || SymbolCollector.Undeclared(loop.Body, "loop").Count > 0;
        if (usesLoop) loop.LoopSlot = body.Function.IndexOf(body.Symbols.DeclareParameter("loop"));
        SymbolCollector.Declare(body.Symbols, loop.Target);
        SymbolCollector.Collect(body.Symbols, loop.Body);
        SymbolCollector.Collect(otherwise.Symbols, loop.Otherwise);
        if (loop.Condition is not null)
        {
            // A level further in, so that the test, which runs ahead, does not overwrite the variables of the body.
            test = test with { Symbols = new Symbols(outer.Symbols, outer.Symbols.Level + TestLevels) };
            SymbolCollector.Declare(test.Symbols, loop.TestTarget);
            SymbolCollector.Collect(test.Symbols, [loop.Condition]);
            Visit(test, loop.TestTarget);
            Visit(test, loop.Condition);
            loop.TestFrame = test.Loads();
        }
        Visit(outer, loop.Source);
        Visit(body, loop.Target);
        Visit(body, loop.Body);
        Visit(otherwise, loop.Otherwise);
        loop.BodyFrame = body.Loads();
        loop.ElseFrame = otherwise.Loads();
    }

    /// <summary>Lifts the levels of tests above those of any nested scope.</summary>
    private const int TestLevels = 1 << 20;

    private static Slot SlotOf(Frame frame, string name) => frame.Function.Find(frame.Symbols.Find(name)!.Value);

    private Name[]? Exports(Frame frame, Target target) =>
        _exports && frame.Outermost ? [.. target.Descend().OfType<Name>()] : null;

    private static ChatTemplateException Fail(string message, Node node) => new("TemplateAssertionError", message, node.Line);
}
