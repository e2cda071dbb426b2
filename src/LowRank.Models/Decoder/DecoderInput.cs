using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>A batch on its way through the decoder. It owns its tensors, not the cache.</summary>
public sealed class DecoderInput : IDisposable
{
    private DecoderInput(Tensor ids, Tensor positions, AttentionLayout layout, KvCache? cache, long cachedPlaces)
    {
        Ids = ids.DetachFromDisposeScope();
        Positions = positions.DetachFromDisposeScope();
        (Layout, Cache, CachedPlaces) = (layout, cache, cachedPlaces);
    }

    /// <summary>Token ids, int64 <c>[batch, sequence]</c>.</summary>
    public Tensor Ids { get; }

    /// <summary>Positions, int64 <c>[batch, sequence]</c>; they restart in each packed sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>Who attends to whom.</summary>
    public AttentionLayout Layout { get; }

    /// <summary>The cache that the pass fills and reads, or null.</summary>
    public KvCache? Cache { get; }

    /// <summary>Places of the cache that this pass reads, its own tokens included.</summary>
    internal long CachedPlaces { get; }

    /// <summary>One sequence a row, from position 0, padded on the right with any id.</summary>
    /// <param name="ids"><c>[batch, sequence]</c>, row after row.</param>
    /// <param name="rows">The batch.</param>
    /// <param name="device">The device; the CPU by default.</param>
    public static DecoderInput Padded(long[] ids, long rows, Device? device = null)
    {
        var t = Rows(ids, rows, device);
        using var line = Scalars.Range(t.shape[1], ScalarType.Int64, device);
        return new DecoderInput(t, line.unsqueeze(0).expand(t.shape), AttentionLayout.Causal(rows, t.shape[1], device), null, 0);
    }

    /// <summary>Several sequences a row.</summary>
    /// <param name="ids"><c>[batch, sequence]</c>, row after row.</param>
    /// <param name="positions">Restarting positions of the same shape.</param>
    /// <param name="sequenceIds">Which sequence a token belongs to, of the same shape; equal numbers in one row are one sequence.</param>
    /// <param name="rows">The batch.</param>
    /// <param name="device">The device; the CPU by default.</param>
    public static DecoderInput Packed(long[] ids, long[] positions, long[] sequenceIds, long rows, Device? device = null)
    {
        var sequences = Rows(sequenceIds, rows, device).DetachFromDisposeScope();
        return new DecoderInput(Rows(ids, rows, device), Rows(positions, rows, device), AttentionLayout.Packed(sequences), null, 0) { owned = sequences };
    }

    /// <summary>Several sequences a row, of which some see the beginning of another one before themselves. No rope may depend on a sequence's length.</summary>
    /// <param name="ids"><c>[batch, sequence]</c>, row after row.</param>
    /// <param name="positions">Positions in the whole sequence, of the same shape.</param>
    /// <param name="starts">Where the sequence of each token begins in its row, of the same shape.</param>
    /// <param name="shared">For each token the places of the beginning that its sequence shares, of the same shape.</param>
    /// <param name="rows">The batch.</param>
    /// <param name="device">The device.</param>
    internal static DecoderInput Compact(long[] ids, long[] positions, int[] starts, (int Start, int End)[] shared, long rows, Device? device) =>
        new(Rows(ids, rows, device), Rows(positions, rows, device), AttentionLayout.Compact(starts, shared, rows, device), null, 0);

    /// <summary>Tokens that continue the sequences of a cache.</summary>
    /// <param name="ids"><c>[batch, new tokens]</c>, row after row.</param>
    /// <param name="positions">Where they stand, of the same shape.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="device">The device; the CPU by default.</param>
    public static DecoderInput Continued(long[] ids, long[] positions, KvCache cache, Device? device = null) => Continued(ids, positions, cache, null, device);

    /// <summary>The same, where each row's tokens belong to a sequence of a length that is known: <paramref name="lengths"/> <c>[batch]</c>, or null for that which the pass reaches.</summary>
    internal static DecoderInput Continued(long[] ids, long[] positions, KvCache cache, long[]? lengths, Device? device)
    {
        long used = 0;
        foreach (var p in positions) used = Math.Max(used, p + 1);
        if (used > cache.Capacity) throw new ArgumentException($"Position {used - 1} lies beyond the cache's {cache.Capacity} places.", nameof(positions));
        var at = Rows(positions, cache.Batch, device);
        return new DecoderInput(Rows(ids, cache.Batch, device), at, AttentionLayout.Cached(at, used), cache, used) { Places = PlacesOf(positions, (int)cache.Batch), lengths = lengths };
    }

    /// <summary>Where each row's first token stands in the cache, if its others follow one by one; else null.</summary>
    internal int[]? Places { get; private init; }

    private Tensor? owned;
    private long[]? lengths;

    /// <summary>
    /// The length of the sequence that each token belongs to, padding at its end included, int64 <c>[batch or 1, sequence or 1]</c>: which rope frequencies it takes, where that depends on it.
    /// </summary>
    internal Tensor SequenceLengths()
    {
        using var scope = NewDisposeScope();
        if (lengths is not null) return tensor(lengths, [lengths.Length, 1], device: Ids.device).MoveToOuterDisposeScope();
        // A packed sequence's is one more than the last of its positions; so is that of a whole row, and what a row of a cache reaches.
        if (owned is not { } sequences) return Positions.amax([1], keepdim: true).add(Scalars.Of(1), Scalars.Of(1)).MoveToOuterDisposeScope();
        var isSame = sequences.unsqueeze(-1) == sequences.unsqueeze(-2);
        return where(isSame, Positions.unsqueeze(-2), zeros_like(Positions).unsqueeze(-2)).amax([2]).add(Scalars.Of(1), Scalars.Of(1)).MoveToOuterDisposeScope();
    }

    /// <summary>One more than the last position.</summary>
    internal long End()
    {
        using var last = Positions.max();
        return last.cpu().item<long>() + 1;
    }

    private static int[]? PlacesOf(long[] positions, int rows)
    {
        var count = positions.Length / rows;
        var places = new int[rows];
        for (var i = 0; i < positions.Length; i++)
        {
            if (i % count == 0) places[i / count] = checked((int)positions[i]);
            else if (positions[i] != positions[i - 1] + 1) return null;
        }
        return places;
    }

    private static Tensor Rows(long[] values, long rows, Device? device) => tensor(values, [rows, values.Length / rows], device: device);

    /// <inheritdoc/>
    public void Dispose()
    {
        Ids.Dispose();
        Positions.Dispose();
        Layout.Dispose();
        owned?.Dispose();
    }
}
