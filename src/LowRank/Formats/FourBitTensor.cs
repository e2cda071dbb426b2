namespace LowRank.Formats;

/// <summary>A tensor of a stored 4-bit weight. Its bytes are the weight's own memory, or lie in <paramref name="Owner"/>: valid while the weight and this live.</summary>
/// <param name="Name">The name in the checkpoint.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Row-major dimensions.</param>
/// <param name="Start">Address of the first byte.</param>
/// <param name="Length">Number of bytes.</param>
/// <param name="Owner">A pinned array that holds them, or null.</param>
internal sealed record FourBitTensor(string Name, TensorType Type, long[] Shape, nint Start, long Length, byte[]? Owner = null)
{
    /// <summary>Writes the tensor, which the writer has declared.</summary>
    public unsafe void WriteTo(SafetensorsWriter writer)
    {
        writer.Write(Name, (byte*)Start, Length);
        GC.KeepAlive(Owner);
    }
}
