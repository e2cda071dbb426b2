using System.Globalization;
using System.Numerics;

namespace LowRank.Quantization;

/// <summary>How a weight is stored in 4 bits.</summary>
public sealed record FourBitOptions
{
    /// <summary>The smallest block.</summary>
    public const int SmallestBlock = 32;

    /// <summary>The largest block.</summary>
    public const int LargestBlock = 4096;

    /// <summary>The values of the codes; NF4 unless set.</summary>
    public FourBitType Type { get; init; } = FourBitType.Nf4;

    /// <summary>Consecutive elements of the flat weight that share a scale: a power of two from 32 to 4096; 64 unless set.</summary>
    /// <exception cref="LowRankException">The size is none of these.</exception>
    public int BlockSize
    {
        get;
        init => field = value is >= SmallestBlock and <= LargestBlock && BitOperations.IsPow2(value) ? value
            : throw new LowRankException(string.Create(CultureInfo.InvariantCulture,
                $"The block size {value} of a 4-bit weight is not a power of two from {SmallestBlock} to {LargestBlock}; the usual one is 64."));
    } = 64;

    /// <summary>Beginnings or endings of names of modules that are not quantized, as <c>llm_int8_skip_modules</c> of bitsandbytes; none unless set.</summary>
    public IReadOnlyList<string> Skip { get; init; } = [];

    /// <summary>The name of <see cref="Type"/> in checkpoints and settings: <c>nf4</c> or <c>fp4</c>.</summary>
    public string TypeName => FourBitCode.Of(Type).Name;

    /// <summary>The type of a name.</summary>
    /// <exception cref="LowRankException">There is none of that name.</exception>
    public static FourBitType TypeOf(string name) => name == FourBitCode.Nf4.Name ? FourBitType.Nf4 : name == FourBitCode.Fp4.Name ? FourBitType.Fp4
        : throw new LowRankException($"The 4-bit type \"{name}\" is not known; there are {FourBitCode.Nf4.Name} and {FourBitCode.Fp4.Name}.");

    /// <summary>Whether a module keeps its form: its name begins or ends with one of <see cref="Skip"/> (transformers' <c>should_convert_module</c>).</summary>
    /// <param name="module">The dotted name, without <c>.weight</c>.</param>
    public bool Skips(string module) => Skip.Any(s => module.StartsWith(s, StringComparison.Ordinal) || module.EndsWith(s, StringComparison.Ordinal));

    /// <summary>Whether the scales are quantized too, to 8 bits in blocks of 256: 0.37 bits less for each weight at a block size of 64. True unless set.</summary>
    public bool DoubleQuantization { get; init; } = true;
}
