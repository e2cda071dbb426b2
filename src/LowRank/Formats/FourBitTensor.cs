using LowRank.Runtime.Memory;

namespace LowRank.Formats;

/// <summary>A tensor of a stored 4-bit weight.</summary>
/// <param name="Name">The name in the checkpoint.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Row-major dimensions.</param>
/// <param name="Bytes">Its bytes. Those of codes and scales are the weight's own memory: not to be disposed, and valid while the weight lives.</param>
internal sealed record FourBitTensor(string Name, TensorType Type, long[] Shape, NativeBuffer Bytes)
{
    /// <summary>Writes the tensor, which the writer has declared.</summary>
    public unsafe void WriteTo(SafetensorsWriter writer) => writer.Write(Name, Bytes.Pointer, Bytes.Length);
}
