namespace LowRank.Adapters.Many;

/// <summary>Which adapters the rows of a batch use. Immutable.</summary>
internal sealed class AdapterRoute
{
    private AdapterRoute(IReadOnlyList<string> stack, IReadOnlyList<string?>? rows)
    {
        (Stack, Rows) = (stack, rows);
        Runs = rows is null ? [] : [.. RunsOf(rows)];
        Groups = rows is null ? [] : [.. rows.Select((name, row) => (name, row)).Where(r => r.name is not null).GroupBy(r => r.name!, r => (long)r.row, (name, places) => (name, places.ToArray()))];
    }

    /// <summary>The base alone.</summary>
    public static AdapterRoute Base { get; } = new([], null);

    /// <summary>Adapters that all rows use, one after another.</summary>
    public IReadOnlyList<string> Stack { get; }

    /// <summary>The adapter of each row, null for the base; null where all rows use <see cref="Stack"/>.</summary>
    public IReadOnlyList<string?>? Rows { get; }

    /// <summary>The rows of each adapter.</summary>
    public IReadOnlyList<(string Name, long[] Rows)> Groups { get; }

    /// <summary>Neighbouring rows that use the same adapter, in the order of the batch; those of the base are left out.</summary>
    public IReadOnlyList<(string Name, int Start, int Count)> Runs { get; }

    /// <summary>Every name in it, once.</summary>
    public IEnumerable<string> Names => Rows is null ? Stack : Groups.Select(g => g.Name);

    /// <summary>All rows with the same adapters.</summary>
    public static AdapterRoute Of(IReadOnlyList<string> stack) => stack.Count == 0 ? Base : new(stack, null);

    /// <summary>Each row with its own; where it is the same for all, the work of groups is spared.</summary>
    public static AdapterRoute OfRows(IReadOnlyList<string?> rows) => new([], rows);

    private static IEnumerable<(string Name, int Start, int Count)> RunsOf(IReadOnlyList<string?> rows)
    {
        for (int start = 0, end; start < rows.Count; start = end)
        {
            for (end = start + 1; end < rows.Count && rows[end] == rows[start];) end++;
            if (rows[start] is { } name) yield return (name, start, end - start);
        }
    }
}
