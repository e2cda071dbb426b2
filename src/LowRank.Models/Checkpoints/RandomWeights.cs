using LowRank.Formats;
using LowRank.Runtime.Memory;

namespace LowRank.Models.Checkpoints;

/// <summary>
/// The tensors of a model with random values in bf16, made one by one as they are asked for: what speed and memory are measured with where only a model's sizes are at hand. The same
/// name and shape give the same values. Matrices are uniform with a standard deviation of 0.02, norms are 1, biases 0.
/// </summary>
internal sealed unsafe class RandomWeights : ITensorSource
{
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NativeBuffer> made = new(StringComparer.Ordinal);

    /// <summary>The tensor of this name and shape, which is there from now on.</summary>
    public TensorInfo Declare(string name, long[] shape)
    {
        var bytes = (long)TensorType.BF16.ElementSize();
        foreach (var n in shape) bytes *= n;
        return tensors[name] = new TensorInfo(name, TensorType.BF16, shape, 0, bytes, "random");
    }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors => [.. tensors.Values];

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info) => tensors.TryGetValue(name, out info!);

    /// <inheritdoc/>
    public byte* Pointer(TensorInfo info)
    {
        if (made.TryGetValue(info.Name, out var buffer)) return (byte*)buffer.Pointer;
        made[info.Name] = buffer = new NativeBuffer(info.ByteLength);
        var values = (ushort*)buffer.Pointer;
        var isMatrix = info.Shape.Length > 1;
        var fill = info.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0f : 1f;
        // A xorshift of each tensor's own (Marsaglia, 2003): a billion values take seconds.
        var state = 0x9E3779B97F4A7C15 + (ulong)Hash(info.Name) | 1;
        var scale = 0.02f * MathF.Sqrt(12) / uint.MaxValue;
        for (long i = 0; i < info.Elements; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            var value = isMatrix ? ((uint)state - uint.MaxValue / 2f) * scale : fill;
            values[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        }
        return (byte*)values;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => new(Pointer(info), checked((int)info.ByteLength));

    /// <inheritdoc/>
    public void DropPages(TensorInfo info)
    {
        if (made.Remove(info.Name, out var buffer)) buffer.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var buffer in made.Values) buffer.Dispose();
        made.Clear();
    }

    // Not string.GetHashCode, which differs from process to process.
    private static uint Hash(string name)
    {
        var hash = 2166136261u;
        foreach (var c in name) hash = (hash ^ c) * 16777619;
        return hash;
    }
}
