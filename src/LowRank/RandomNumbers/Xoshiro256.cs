using System.Numerics;

namespace LowRank.RandomNumbers;

/// <summary>
/// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), seeded through SplitMix64. Own code
/// because the order of the data and what is sampled must be the same on every platform and in every version of .NET, which <see cref="Random"/> does not promise.
/// </summary>
internal sealed class Xoshiro256
{
    private ulong s0, s1, s2, s3;

    /// <summary>A generator of its own for each pair, so that the order of an epoch, or the sampled tokens of a row, follow from two numbers.</summary>
    public Xoshiro256(long seed, int stream)
    {
        var mix = (ulong)seed;
        mix = Split(ref mix) ^ (uint)stream;
        (s0, s1, s2, s3) = (Split(ref mix), Split(ref mix), Split(ref mix), Split(ref mix));
    }

    public ulong Next()
    {
        var result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        var t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A number from 0 to below <paramref name="bound"/>, each equally likely (Lemire 2019, with rejection).</summary>
    public int Below(int bound)
    {
        var range = (ulong)bound;
        var high = Math.BigMul(Next(), range, out ulong low);
        if (low < range)
            for (var threshold = (0 - range) % range; low < threshold;) high = Math.BigMul(Next(), range, out low);
        return (int)high;
    }

    /// <summary>A number from 0 to below 1, a multiple of 2⁻⁵³.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Fisher-Yates.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Split(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
