using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Runtime.Interop;

/// <summary>
/// Numbers for operations of tensors. TorchSharp reads the native number in a call during which the managed one may already be collected, by whichever thread makes the next collection: then
/// libtorch finds a number of no kind ("Expected false to be true") or another one. What these are is alive as long as the call. TorchSharp's own conversions and operators that make
/// numbers are banned (<c>eng/BannedSymbols.txt</c>); so is the addition that makes the factor 1.
/// </summary>
internal static class Scalars
{
    // An operation takes three numbers at most, and nobody keeps one to use it later.
    private const int Kept = 16;

    [ThreadStatic] private static Scalar[]? recent;
    [ThreadStatic] private static int next;

    /// <summary>1.</summary>
    public static readonly Scalar One = 1.0.ToScalar();

    /// <summary>−∞.</summary>
    public static readonly Scalar MinusInfinity = double.NegativeInfinity.ToScalar();

    /// <summary>A number for an operation that follows at once.</summary>
    public static Scalar Of(double number) => Keep(number.ToScalar());

    /// <summary>A whole number for an operation that follows at once: tensors of whole numbers stay such.</summary>
    public static Scalar Of(long number) => Keep(number.ToScalar());

    /// <summary>0, 1, 2, … in a tensor, of int64 unless said otherwise.</summary>
    public static Tensor Range(long count, ScalarType? dtype = null, Device? device = null) => arange(Of(0), Of(count), Of(1), dtype, device);

    private static Scalar Keep(Scalar number)
    {
        recent ??= new Scalar[Kept];
        return recent[next = (next + 1) % Kept] = number;
    }
}
