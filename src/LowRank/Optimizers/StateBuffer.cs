using LowRank.Formats;
using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>One array of an optimizer's state.</summary>
/// <param name="Name">Its name in a checkpoint.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Elements">Their number.</param>
/// <param name="Offset">Where it begins in the state, in bytes.</param>
internal sealed record StateBuffer(string Name, TensorType Type, long Elements, long Offset)
{
    /// <summary>Its length in bytes.</summary>
    public long Bytes => Elements * Type.ElementSize();

    /// <summary>The type of its elements in tensors.</summary>
    public ScalarType ScalarType => Type == TensorType.F32 ? ScalarType.Float32 : ScalarType.Byte;
}
