using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// Keys and values of the tokens that a batch of growing sequences has so far, one pair of buffers a layer, allocated once for the longest length. Rows may
/// have different lengths: each row's tokens stand at its own positions, and what lies beyond a row's length is masked.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly Tensor[] keys;
    private readonly Tensor[] values;

    /// <summary>Allocates buffers of <c>[batch, keyValueHeads, capacity, headSize]</c> for every layer.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="capacity">Tokens that each can hold.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">The device.</param>
    public KvCache(DecoderSpec spec, long batch, long capacity, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        Capacity = capacity;
        Batch = batch;
        Tensor Buffer() => zeros([batch, spec.KeyValueHeads, capacity, spec.HeadSize], dtype, device).DetachFromDisposeScope();
        keys = [.. Enumerable.Range(0, spec.Layers).Select(_ => Buffer())];
        values = [.. Enumerable.Range(0, spec.Layers).Select(_ => Buffer())];
    }

    /// <summary>Tokens that each sequence can hold.</summary>
    public long Capacity { get; }

    /// <summary>Number of sequences.</summary>
    public long Batch { get; }

    /// <summary>Bytes of the buffers.</summary>
    public long Bytes => keys.Concat(values).Sum(t => t.NumberOfElements * t.ElementSize);

    /// <summary>
    /// Stores new keys and values <c>[batch, keyValueHeads, count, headSize]</c> of a layer at <paramref name="positions"/> <c>[batch, count]</c>
    /// and returns views of the first <paramref name="used"/> places.
    /// </summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor newKeys, Tensor newValues, Tensor positions, long used)
    {
        using var scope = NewDisposeScope();
        var index = positions.unsqueeze(1).unsqueeze(-1).expand(newKeys.shape);
        keys[layer].scatter_(2, index, newKeys);
        values[layer].scatter_(2, index, newValues);
        return (keys[layer].narrow(2, 0, used).MoveToOuterDisposeScope(), values[layer].narrow(2, 0, used).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var t in keys) t.Dispose();
        foreach (var t in values) t.Dispose();
    }
}
