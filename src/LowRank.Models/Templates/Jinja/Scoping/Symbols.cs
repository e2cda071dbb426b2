namespace LowRank.Models.Templates.Jinja.Scoping;

/// <summary>
/// The names of one scope. Jinja decides when it compiles which variable a name means, by these rules; they are why
/// an assignment in a loop does not reach the outside, and one in an if does.
/// </summary>
internal sealed class Symbols(Symbols? parent, int? level = null)
{
    public Symbols? Parent { get; } = parent;
    public int Level { get; } = level ?? (parent is null ? 0 : parent.Level + 1);
    public Dictionary<string, Variable> Variables { get; private init; } = new(StringComparer.Ordinal);
    public Dictionary<Variable, (LoadKind Kind, Variable Source, string Name)> Loads { get; private init; } = [];
    public HashSet<string> Stores { get; private init; } = new(StringComparer.Ordinal);

    public Variable? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
            if (scope.Variables.TryGetValue(name, out var variable)) return variable;
        return null;
    }

    public void Load(string name)
    {
        if (Find(name) is null) Define(name, LoadKind.Resolve);
    }

    public void Store(string name)
    {
        Stores.Add(name);
        if (Variables.ContainsKey(name)) return;
        if (Parent?.Find(name) is { } outer) Define(name, LoadKind.Alias, outer);
        else Define(name, LoadKind.Undefined);
    }

    public Variable DeclareParameter(string name)
    {
        Stores.Add(name);
        return Define(name, LoadKind.Parameter);
    }

    public Symbols Copy() => new(Parent, Level) { Variables = new(Variables, StringComparer.Ordinal), Loads = new(Loads), Stores = new(Stores, StringComparer.Ordinal) };

    /// <summary>Takes over what the branches of an if define: such a name keeps the outer value where its branch does not run.</summary>
    public void Merge(params ReadOnlySpan<Symbols> branches)
    {
        var stores = new HashSet<string>(StringComparer.Ordinal);
        foreach (var branch in branches) stores.UnionWith(branch.Stores);
        stores.ExceptWith(Stores);
        foreach (var branch in branches)
        {
            foreach (var (name, variable) in branch.Variables) Variables[name] = variable;
            foreach (var (variable, load) in branch.Loads) Loads[variable] = load;
            Stores.UnionWith(branch.Stores);
        }
        foreach (var name in stores)
        {
            var variable = Find(name)!.Value;
            Loads[variable] = Parent?.Find(name) is { } outer ? (LoadKind.Alias, outer, name) : (LoadKind.Resolve, default, name);
        }
    }

    private Variable Define(string name, LoadKind kind, Variable source = default)
    {
        var variable = new Variable(Level, name);
        Variables[name] = variable;
        Loads[variable] = (kind, source, name);
        return variable;
    }
}
