namespace LowRank.Adapters;

/// <summary>The ranks of an adapter by layer and module: for AdaLoRA the map of what each module was left with.</summary>
/// <param name="Layers">The layers, such as <c>0</c>; for modules outside of layers an empty name. In the order of their numbers.</param>
/// <param name="Modules">The names of modules within a layer, such as <c>self_attn.q_proj</c>, each once.</param>
/// <param name="Ranks">Ranks <c>[layers, modules]</c>; -1 where there is no such module or it is not adapted.</param>
public sealed record RankMap(IReadOnlyList<string> Layers, IReadOnlyList<string> Modules, int[,] Ranks)
{
    /// <summary>All ranks together.</summary>
    public int Total => Known.Sum();

    /// <summary>The smallest and the largest rank.</summary>
    public (int Least, int Most) Range => (Known.Min(), Known.Max());

    /// <summary>Number of modules.</summary>
    public int Count => Known.Count();

    private IEnumerable<int> Known => Ranks.Cast<int>().Where(r => r >= 0);

    /// <summary>The ranks of an adapter file: rows of A, which for AdaLoRA are the triplets that are kept, and for a parameter of experts the ranks of all of them together.</summary>
    /// <param name="folder">The adapter.</param>
    /// <exception cref="AdapterException">The adapter has no modules with a rank.</exception>
    public static RankMap Of(AdapterFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var ranks = new List<(string Module, int Rank)>();
        foreach (var tensor in folder.Weights.Tensors)
            if (AdapterKeys.ToName(tensor.Name) is { } name && AdapterKeys.Parse(name) is (AdapterTensorKind.LoraA or AdapterTensorKind.AdaLoraA or AdapterTensorKind.EmbeddingA, var module))
                ranks.Add((module, (int)tensor.Shape[0]));
        return ranks.Count > 0 ? Of(ranks) : throw new AdapterException(folder.Path, $"it has no matrices of LoRA or AdaLoRA, so that its modules have no rank (peft_type {folder.Config.Kind}).");
    }

    /// <summary>The map of modules by their dotted names.</summary>
    /// <param name="ranks">Names and ranks.</param>
    public static RankMap Of(IReadOnlyList<(string Module, int Rank)> ranks)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        var placed = ranks.Select(r => (Place: Split(r.Module), r.Rank)).ToList();
        string[] layers = [.. placed.Select(p => p.Place.Layer).Distinct().OrderBy(l => l.Length).ThenBy(l => l, StringComparer.Ordinal)];
        string[] modules = [.. placed.Select(p => p.Place.Module).Distinct()];
        var table = new int[layers.Length, modules.Length];
        for (var i = 0; i < layers.Length; i++)
            for (var j = 0; j < modules.Length; j++) table[i, j] = -1;
        foreach (var ((layer, module), rank) in placed) table[Array.IndexOf(layers, layer), Array.IndexOf(modules, module)] = rank;
        return new RankMap(layers, modules, table);
    }

    // The first number in a name is its layer, what follows the module; a name without a number is a module of no layer.
    private static (string Layer, string Module) Split(string name)
    {
        var parts = name.Split('.');
        var at = Array.FindIndex(parts, p => p.Length > 0 && p.All(char.IsAsciiDigit));
        return at < 0 ? ("", name) : (parts[at], string.Join('.', parts[(at + 1)..]));
    }
}
