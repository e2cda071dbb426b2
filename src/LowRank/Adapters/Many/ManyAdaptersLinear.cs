using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Many;

/// <summary>A frozen linear layer with several adapters by name, of which each row of a batch uses its own: one product with the base for all rows, and one small update for each adapter.</summary>
/// <param name="frozen">The base layer; the collection gives it back.</param>
/// <param name="collection">Knows the route of the pass.</param>
internal sealed class ManyAdaptersLinear(FrozenLinear frozen, AdapterCollection collection) : ILinear
{
    private readonly Dictionary<string, ILinearAdapter> adapters = new(StringComparer.Ordinal);

    /// <summary>The base layer.</summary>
    public FrozenLinear Frozen { get; } = frozen;

    /// <inheritdoc/>
    public long InFeatures => Frozen.InFeatures;

    /// <inheritdoc/>
    public long OutFeatures => Frozen.OutFeatures;

    /// <summary>The route of the pass.</summary>
    public AdapterRoute Route => collection.Route;

    /// <summary>The only adapter that all rows use now; null where there is none here, or rows differ.</summary>
    public ILinearAdapter? Only => Route is { Rows: null, Stack: [var name] } && adapters.TryGetValue(name, out var adapter) ? adapter : null;

    /// <summary>The adapters by name.</summary>
    public IReadOnlyDictionary<string, ILinearAdapter> Adapters => adapters;

    /// <summary>The adapters that rows of the pass use here, each once; none where all rows use the same ones.</summary>
    public IEnumerable<ILinearAdapter> OfRows => Route.Groups.Where(g => adapters.ContainsKey(g.Name)).Select(g => adapters[g.Name]);

    /// <summary>The layer as each row computes it, with a plain low-rank update or none; null where all rows use the same adapters, or an adapter is of another kind.</summary>
    public IReadOnlyList<LinearPart>? RowParts
    {
        get
        {
            if (Route.Rows is not { } rows || ((ILinear)Frozen).PartFor() is not { } alone) return null;
            var parts = new Dictionary<string, LinearPart>(StringComparer.Ordinal);
            foreach (var (name, _) in Route.Groups)
            {
                if (!adapters.TryGetValue(name, out var adapter)) continue;
                if (adapter.PartFor(Frozen) is not { } part) return null;
                parts[name] = part;
            }
            return [.. rows.Select(name => name is not null && parts.TryGetValue(name, out var part) ? part : alone)];
        }
    }

    /// <summary>Takes over an adapter.</summary>
    public void Add(string name, ILinearAdapter adapter) => adapters.Add(name, adapter);

    /// <summary>Frees an adapter, if there is one of that name here.</summary>
    public void Remove(string name)
    {
        if (adapters.Remove(name, out var adapter)) adapter.Dispose();
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x)
    {
        if (Only is { } only) return only.Forward(x, Frozen);
        using var scope = NewDisposeScope();
        var y = Frozen.Forward(x);
        foreach (var name in Route.Stack)
            if (adapters.TryGetValue(name, out var adapter)) y = adapter.Adjust(x, y, Frozen);
        if (Route.Rows is { } rows)
        {
            if (x.shape[0] != rows.Count) throw new LowRankException($"The batch has {x.shape[0]} rows, but adapters were chosen for {rows.Count}. Choose one for each row, or the same for all.");
            if (is_grad_enabled()) y = AddRows(x, y, rows.Count);
            else AddInPlace(x, y);
        }
        return y.MoveToOuterDisposeScope();
    }

    private Tensor AddRows(Tensor x, Tensor y, int rows)
    {
        foreach (var (name, places) in Route.Groups)
        {
            if (!adapters.TryGetValue(name, out var adapter)) continue;
            // One adapter for all rows needs no rows taken out and put back.
            if (places.Length == rows) return adapter.Adjust(x, y, Frozen);
            var at = tensor(places, device: x.device);
            y = y.index_copy(0, at, adapter.Adjust(x.index_select(0, at), y.index_select(0, at), Frozen));
        }
        return y;
    }

    // Without a backward pass nothing has to be kept as it was: each run of rows is a part of the output that is added to.
    private void AddInPlace(Tensor x, Tensor y)
    {
        foreach (var (name, start, count) in Route.Runs)
        {
            if (!adapters.TryGetValue(name, out var adapter)) continue;
            using var scope = NewDisposeScope();
            var (input, output) = (x.narrow(0, start, count), y.narrow(0, start, count));
            if (x.dtype == ScalarType.Float32 && y.dtype == ScalarType.Float32 && adapter.PartFor(Frozen) is { A: { } a, B: { } b, Factors: null } part)
                output.view(-1, OutFeatures).addmm_(input.reshape(-1, InFeatures).mm(a.t()), b.t(), 1, (float)part.Scale);
            else output.copy_(adapter.Adjust(input, output, Frozen));
        }
    }

    LinearPart? ILinear.PartFor() => Route.Rows is not null || Route.Stack.Count > 1 ? null : Only is { } only ? only.PartFor(Frozen) : ((ILinear)Frozen).PartFor();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var adapter in adapters.Values) adapter.Dispose();
        Frozen.Dispose();
    }
}
