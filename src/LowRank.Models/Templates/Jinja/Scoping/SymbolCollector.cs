using LowRank.Models.Templates.Jinja.Syntax;

namespace LowRank.Models.Templates.Jinja.Scoping;

/// <summary>Collects the names that nodes use in their own scope; what opens a scope of its own is looked at only from outside.</summary>
internal static class SymbolCollector
{
    public static void Collect(Symbols symbols, IEnumerable<Node> nodes)
    {
        foreach (var node in nodes) Collect(symbols, node);
    }

    private static void Collect(Symbols symbols, Node node)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (node)
        {
            case Name { Use: NameUse.Load } name: symbols.Load(name.Text); break;
            case Name { Use: NameUse.Store } name: symbols.Store(name.Text); break;
            case Name name: symbols.DeclareParameter(name.Text); break;
            case NamespaceTarget space: symbols.Load(space.Text); break;
            case If branch:
                Collect(symbols, branch.Condition);
                var (body, elifs, otherwise) = (symbols.Copy(), symbols.Copy(), symbols.Copy());
                Collect(body, branch.Body);
                Collect(elifs, branch.Elifs);
                Collect(otherwise, branch.Otherwise);
                symbols.Merge(body, elifs, otherwise);
                break;
            case Macro macro: symbols.Store(macro.Target.Text); break;
            case Assignment set:
                Collect(symbols, set.Value);
                Collect(symbols, set.Target);
                break;
            case Loop loop: Collect(symbols, loop.Source); break;
            case CallBlock call: Collect(symbols, call.Call); break;
            case FilterBlock filter: Collect(symbols, filter.Filter); break;
            case With with: Collect(symbols, with.Values); break;
            case BlockAssignment set: Collect(symbols, set.Target); break;
            case GenerationBlock or Block or AutoEscapeBlock: break;
            default: Collect(symbols, node.Children); break;
        }
    }

    /// <summary>Declares the names of a target as parameters of the scope, as loops do.</summary>
    public static void Declare(Symbols symbols, Target target)
    {
        foreach (var name in target.Descend().OfType<Name>()) symbols.DeclareParameter(name.Text);
    }

    /// <summary>Which of some names are read in the nodes before they are assigned there.</summary>
    public static HashSet<string> Undeclared(IEnumerable<Node> nodes, params string[] names)
    {
        var (open, found) = (names.ToHashSet(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var node in nodes) Visit(node);
        return found;

        void Visit(Node node)
        {
            System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
            if (node is Block) return;
            if (node is Name name)
            {
                if (name.Use == NameUse.Load && open.Contains(name.Text)) found.Add(name.Text);
                else open.Remove(name.Text);
                return;
            }
            foreach (var child in node.Children) Visit(child);
        }
    }
}
