using TorchSharp;

namespace LowRank.Runtime.Interop;

/// <summary>
/// Numbers for operations of tensors that every token or every step does. TorchSharp reads the native scalar in a call during which the managed object may already be
/// collected; these are never collected. An addition takes two, the number and the factor that it would otherwise make itself.
/// </summary>
internal static class Scalars
{
    /// <summary>1.</summary>
    public static readonly Scalar One = 1.0;

    /// <summary>−∞.</summary>
    public static readonly Scalar MinusInfinity = double.NegativeInfinity;
}
