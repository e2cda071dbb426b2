using LowRank.Formats;
using LowRank.Quantization;

namespace LowRank.Training.Tests.Goldens;

/// <summary>
/// The codes that bitsandbytes' CPU quantizer gives to the scales of a doubly quantized weight. It looks them up in a table of 65,536 bins over [-1, 1], so that a scale near the middle
/// between two values may get the farther one (fixtures/README, "What surprised"): three in a thousand differ from the nearest codes that LowRank takes, enough to move the loss of
/// SmolLM2 by 3e-4. A run of PEFT is compared over PEFT's own weights.
/// </summary>
internal static unsafe class BitsAndBytesScales
{
    private const int Bins = 65536;
    private static readonly byte[] table = [.. Enumerable.Range(0, Bins).Select(i => DynamicMap.Signed.Nearest((float)(2.0 * i / (Bins - 1) - 1)))];

    /// <summary>Gives the scales of a weight those codes.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="data">What it was quantized from.</param>
    /// <param name="type">The type of that.</param>
    /// <returns>How many codes changed.</returns>
    public static int Recode(FourBitWeight weight, byte* data, TensorType type)
    {
        var parts = weight.Parts;
        using var single = FourBitQuantizer.Quantize(data, type, weight.OutFeatures, weight.InFeatures, parts.Options with { DoubleQuantization = false }, "weight");
        float* scales = (float*)single.Absmax.Pointer, nested = (float*)parts.NestedAbsmax!.Pointer;
        var changed = 0;
        for (long block = 0; block < parts.Blocks; block++)
        {
            var largest = nested[block / FourBitParts.NestedBlockSize];
            if (largest == 0) continue;
            var x = Math.Clamp((scales[block] - parts.NestedOffset) * (1 / largest), -1, 1);
            var code = table[(int)((x + 1) * 0.5f * (Bins - 1) + 0.5f)];
            if (parts.Absmax.Pointer[block] == code) continue;
            parts.Absmax.Pointer[block] = code;
            changed++;
        }
        return changed;
    }
}
