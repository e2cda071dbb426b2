using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// Keys and values of the tokens that a batch of growing sequences has so far, one pair of buffers a layer. Rows may have different lengths: each row's
/// tokens stand at its own positions, and what lies beyond a row's length is masked.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly Tensor[] keys;
    private readonly Tensor[] values;

    /// <summary>Allocates buffers of <c>[batch, capacity, keyValueHeads, headSize]</c> for every layer.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="capacity">Tokens that each can hold.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">The device.</param>
    public KvCache(DecoderSpec spec, long batch, long capacity, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        (Batch, Capacity) = (batch, capacity);
        Tensor Buffer() => zeros([batch, capacity, spec.KeyValueHeads, spec.HeadSize], dtype, device).DetachFromDisposeScope();
        keys = [.. Enumerable.Range(0, spec.Layers).Select(_ => Buffer())];
        values = [.. Enumerable.Range(0, spec.Layers).Select(_ => Buffer())];
    }

    /// <summary>Tokens that each sequence can hold.</summary>
    public long Capacity { get; private set; }

    /// <summary>Number of sequences.</summary>
    public long Batch { get; private set; }

    /// <summary>Bytes of the buffers.</summary>
    public long Bytes => keys.Concat(values).Sum(t => t.NumberOfElements * t.ElementSize);

    /// <summary>
    /// Stores new keys and values <c>[batch, keyValueHeads, count, headSize]</c> of a layer at <paramref name="positions"/> <c>[batch, count]</c>
    /// and returns views of the first <paramref name="used"/> places.
    /// </summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor newKeys, Tensor newValues, Tensor positions, long used)
    {
        using var scope = NewDisposeScope();
        var (tokenKeys, tokenValues) = (newKeys.transpose(1, 2), newValues.transpose(1, 2));
        var index = positions.unsqueeze(-1).unsqueeze(-1).expand(tokenKeys.shape);
        keys[layer].scatter_(1, index, tokenKeys);
        values[layer].scatter_(1, index, tokenValues);
        return (keys[layer].narrow(1, 0, used).transpose(1, 2).MoveToOuterDisposeScope(), values[layer].narrow(1, 0, used).transpose(1, 2).MoveToOuterDisposeScope());
    }

    /// <summary>The buffers of a layer, <c>[batch, capacity, keyValueHeads, headSize]</c>. They stay the cache's.</summary>
    internal (Tensor Keys, Tensor Values) Layer(int layer) => (keys[layer], values[layer]);

    /// <summary>
    /// Goes on with other rows or with more room: row i is then the earlier row <paramref name="rows"/>[i], which may be named more than once or left out. One
    /// layer is copied after another, so that the peak is a layer above the larger of both.
    /// </summary>
    /// <param name="rows">The rows to keep, by their number.</param>
    /// <param name="capacity">Tokens that each can hold from now on; at least <paramref name="used"/>.</param>
    /// <param name="used">Places that are taken over.</param>
    internal void Rearrange(long[] rows, long capacity, long used)
    {
        using var scope = NewDisposeScope();
        var picked = tensor(rows, device: keys[0].device);
        for (var layer = 0; layer < keys.Length; layer++)
        {
            keys[layer] = Moved(keys[layer]);
            values[layer] = Moved(values[layer]);
        }
        (Batch, Capacity) = (rows.Length, capacity);

        Tensor Moved(Tensor old)
        {
            using var layerScope = NewDisposeScope();
            // Zeros, not whatever was there: a masked place counts 0 times its value, which for a NaN would be NaN.
            var moved = zeros([rows.Length, capacity, old.shape[2], old.shape[3]], old.dtype, old.device);
            moved.narrow(1, 0, used).copy_(old.narrow(1, 0, used).index_select(0, picked));
            old.Dispose();
            return moved.DetachFromDisposeScope();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var t in keys) t.Dispose();
        foreach (var t in values) t.Dispose();
    }
}
