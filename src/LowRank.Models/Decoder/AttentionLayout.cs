using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// Who may attend to whom in a batch: causal always; within one packed sequence where <c>sequenceIds</c> are given; only to places before a row's
/// own position where a cache is read. Masks are made once a batch for each kind of window, not once a layer.
/// </summary>
public sealed class AttentionLayout : IDisposable
{
    private readonly Func<int?, Tensor?> build;
    private readonly Dictionary<int, Tensor?> masks = [];

    private readonly Func<int?, int[]?> buildFirst;
    private readonly Dictionary<int, int[]?> firsts = [];

    private AttentionLayout(Func<int?, Tensor?> build, Func<int?, int[]?> buildFirst) => (this.build, this.buildFirst) = (build, buildFirst);

    /// <summary>Rows that each hold one sequence from position 0, padded on the right if at all: causality alone keeps the padding out.</summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="length">Tokens in a row.</param>
    /// <param name="device">The device of the masks.</param>
    public static AttentionLayout Causal(long rows, long length, Device? device = null) => new(window =>
    {
        if (window is not { } w || w >= length) return null;
        using var scope = NewDisposeScope();
        var query = arange(length, device: device).unsqueeze(1);
        var key = arange(length, device: device).unsqueeze(0);
        return Additive((key <= query) & (query - key < w)).unsqueeze(0).unsqueeze(0).MoveToOuterDisposeScope();
    }, window =>
    {
        var first = new int[rows * length];
        if (window is { } w)
            for (var i = 0; i < first.Length; i++) first[i] = (int)Math.Max(0, i % length - w + 1);
        return first;
    });

    /// <summary>Rows that pack several sequences: attention stays within one (block-diagonal).</summary>
    /// <param name="sequenceIds"><c>[batch, sequence]</c>: equal numbers mark one sequence; padding has a number of its own.</param>
    public static AttentionLayout Packed(Tensor sequenceIds) => new(window =>
    {
        using var scope = NewDisposeScope();
        var place = arange(sequenceIds.shape[1], device: sequenceIds.device);
        var allowed = (place.unsqueeze(0) <= place.unsqueeze(1)) & (sequenceIds.unsqueeze(-1) == sequenceIds.unsqueeze(-2));
        if (window is { } w) allowed = allowed & (place.unsqueeze(1) - place.unsqueeze(0) < w);
        return Additive(allowed).unsqueeze(1).MoveToOuterDisposeScope();
    }, window => FirstOfSequence(sequenceIds, window));

    /// <summary>New tokens at <paramref name="positions"/> over a cache whose place p holds position p.</summary>
    /// <param name="positions"><c>[batch, new tokens]</c>.</param>
    /// <param name="used">Places of the cache that are read.</param>
    public static AttentionLayout Cached(Tensor positions, long used) => new(window =>
    {
        using var scope = NewDisposeScope();
        var key = arange(used, device: positions.device);
        var query = positions.unsqueeze(-1);
        var allowed = key <= query;
        if (window is { } w) allowed = allowed & (query - key < w);
        return Additive(allowed).unsqueeze(1).MoveToOuterDisposeScope();
    }, window => Array.ConvertAll(Positions(positions), p => window is { } w ? (int)Math.Max(0, p - w + 1) : 0));

    private static long[] Positions(Tensor positions)
    {
        using var here = positions.cpu();
        using var dense = here.contiguous();
        return dense.data<long>().ToArray();
    }

    private static int[]? FirstOfSequence(Tensor sequenceIds, int? window)
    {
        var (rows, length) = (sequenceIds.shape[0], (int)sequenceIds.shape[1]);
        var ids = sequenceIds.cpu().data<long>().ToArray();
        var first = new int[ids.Length];
        var seen = new HashSet<long>();
        for (var row = 0L; row < rows; row++)
        {
            seen.Clear();
            var (at, start) = (row * length, 0);
            for (var t = 0; t < length; t++)
            {
                if (t == 0 || ids[at + t] != ids[at + t - 1])
                {
                    if (!seen.Add(ids[at + t])) return null;
                    start = t;
                }
                first[at + t] = window is { } w ? Math.Max(start, t - w + 1) : start;
            }
        }
        return first;
    }

    /// <summary>
    /// The first key that each query of a batch sees in layers with this window, <c>[batch · length]</c>, the last being its own; null where the layout cannot be said so: where a
    /// packed sequence is not in one piece.
    /// </summary>
    internal int[]? FirstKeys(int? window)
    {
        var key = window ?? -1;
        if (!firsts.TryGetValue(key, out var found)) firsts[key] = found = buildFirst(window);
        return found;
    }

    /// <summary>
    /// The mask for layers with this window: <c>[batch or 1, 1, queries, keys]</c>, 0 where attention is allowed and −∞ where not; null where plain causality
    /// is all. It belongs to the layout.
    /// </summary>
    internal Tensor? Mask(int? window)
    {
        var key = window ?? -1;
        if (!masks.TryGetValue(key, out var mask)) masks[key] = mask = build(window)?.DetachFromDisposeScope();
        return mask;
    }

    private static Tensor Additive(Tensor allowed) => zeros(allowed.shape, ScalarType.Float32, allowed.device).masked_fill_(~allowed, Scalars.MinusInfinity);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var mask in masks.Values) mask?.Dispose();
        masks.Clear();
    }
}
