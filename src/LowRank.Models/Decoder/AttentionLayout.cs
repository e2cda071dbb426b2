using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// Who may attend to whom in a batch: causal always; within one packed sequence where <c>sequenceIds</c> are given; only to places before a row's
/// own position where a cache is read; and where sequences share what they begin with, each also that. Masks are made once a batch for each kind of window, not once a layer.
/// </summary>
public sealed class AttentionLayout : IDisposable
{
    private readonly Func<int?, Tensor?> build;
    private readonly Dictionary<int, Tensor?> masks = [];

    private readonly Func<int?, SeenKeys?> buildSeen;
    private readonly Dictionary<int, SeenKeys?> seen = [];

    private AttentionLayout(Func<int?, Tensor?> build, Func<int?, SeenKeys?> buildSeen) => (this.build, this.buildSeen) = (build, buildSeen);

    /// <summary>Rows that each hold one sequence from position 0, padded on the right if at all: causality alone keeps the padding out.</summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="length">Tokens in a row.</param>
    /// <param name="device">The device of the masks.</param>
    public static AttentionLayout Causal(long rows, long length, Device? device = null) => new(window =>
    {
        if (window is not { } w || w >= length) return null;
        using var scope = NewDisposeScope();
        var query = Scalars.Range(length, device: device).unsqueeze(1);
        var key = Scalars.Range(length, device: device).unsqueeze(0);
        return Additive((key <= query) & (query - key < Scalars.Of(w))).unsqueeze(0).unsqueeze(0).MoveToOuterDisposeScope();
    }, window =>
    {
        var first = new int[rows * length];
        if (window is { } w)
            for (var i = 0; i < first.Length; i++) first[i] = (int)Math.Max(0, i % length - w + 1);
        return new SeenKeys(first);
    });

    /// <summary>Rows that pack several sequences: attention stays within one (block-diagonal).</summary>
    /// <param name="sequenceIds"><c>[batch, sequence]</c>: equal numbers mark one sequence; padding has a number of its own.</param>
    public static AttentionLayout Packed(Tensor sequenceIds) => new(window =>
    {
        using var scope = NewDisposeScope();
        var place = Scalars.Range(sequenceIds.shape[1], device: sequenceIds.device);
        var allowed = (place.unsqueeze(0) <= place.unsqueeze(1)) & (sequenceIds.unsqueeze(-1) == sequenceIds.unsqueeze(-2));
        if (window is { } w) allowed = allowed & (place.unsqueeze(1) - place.unsqueeze(0) < Scalars.Of(w));
        return Additive(allowed).unsqueeze(1).MoveToOuterDisposeScope();
    }, window => FirstOfSequence(sequenceIds, window) is { } first ? new SeenKeys(first) : null);

    /// <summary>Rows of several sequences, of which some see the beginning of another one before themselves.</summary>
    /// <param name="starts">Where the sequence of each token begins in its row, <c>[batch · sequence]</c>.</param>
    /// <param name="shared">For each token the first place of the beginning that its sequence shares and what follows the last; equal where it shares none.</param>
    /// <param name="rows">The batch.</param>
    /// <param name="device">The device of the masks.</param>
    internal static AttentionLayout Compact(int[] starts, (int Start, int End)[] shared, long rows, Device? device)
    {
        SeenKeys Seen(int? window)
        {
            var (first, from, to) = ((int[])starts.Clone(), new int[starts.Length], new int[starts.Length]);
            var length = (int)(starts.Length / rows);
            for (var i = 0; i < starts.Length; i++)
            {
                (from[i], to[i]) = shared[i];
                if (window is not { } w) continue;
                // Shared places hold positions from 0 on, and the sequence goes on where they end.
                var (t, position) = (i % length, to[i] - from[i] + i % length - starts[i]);
                (first[i], from[i]) = (Math.Max(starts[i], t - w + 1), Math.Min(to[i], from[i] + Math.Max(0, position - w + 1)));
            }
            return new SeenKeys(first, from, to);
        }

        return new AttentionLayout(window =>
        {
            using var scope = NewDisposeScope();
            var keys = Seen(window);
            Tensor Column(int[] values) => tensor(values, [rows, values.Length / rows, 1], device: device);
            var place = Scalars.Range(starts.Length / rows, ScalarType.Int32, device);
            var own = (place.unsqueeze(0) <= place.unsqueeze(1)) & (place >= Column(keys.First));
            return Additive(own | ((place >= Column(keys.SharedStart!)) & (place < Column(keys.SharedEnd!)))).unsqueeze(1).MoveToOuterDisposeScope();
        }, Seen);
    }

    /// <summary>New tokens at <paramref name="positions"/> over a cache whose place p holds position p.</summary>
    /// <param name="positions"><c>[batch, new tokens]</c>.</param>
    /// <param name="used">Places of the cache that are read.</param>
    public static AttentionLayout Cached(Tensor positions, long used) => new(window =>
    {
        using var scope = NewDisposeScope();
        var key = Scalars.Range(used, device: positions.device);
        var query = positions.unsqueeze(-1);
        var allowed = key <= query;
        if (window is { } w) allowed = allowed & (query - key < Scalars.Of(w));
        return Additive(allowed).unsqueeze(1).MoveToOuterDisposeScope();
    }, window => new SeenKeys(Array.ConvertAll(Positions(positions), p => window is { } w ? (int)Math.Max(0, p - w + 1) : 0)));

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
    /// The keys that each query of a batch sees in layers with this window, the last being its own; null where the layout cannot be said so: where a packed sequence is not in one piece.
    /// </summary>
    internal SeenKeys? Seen(int? window)
    {
        var key = window ?? -1;
        if (!seen.TryGetValue(key, out var found)) seen[key] = found = buildSeen(window);
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
