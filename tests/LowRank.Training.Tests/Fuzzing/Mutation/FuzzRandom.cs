using LowRank.RandomNumbers;

namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>Where everything about one damaged file is drawn from: the same for the same seed, format and number.</summary>
internal sealed class FuzzRandom(int seed, string format, long index)
{
    private readonly Xoshiro256 source = new(seed * 1_000_000_007L + index, format.Aggregate(17, (hash, c) => unchecked(hash * 31 + c)));

    /// <summary>From 0 to below <paramref name="bound"/>.</summary>
    public int Below(int bound) => source.Below(bound);

    /// <summary>From <paramref name="least"/> to <paramref name="most"/>.</summary>
    public int Between(int least, int most) => least + source.Below(most - least + 1);

    /// <summary>True once in so many times.</summary>
    public bool OneIn(int times) => source.Below(times) == 0;

    /// <summary>One of these.</summary>
    public T Pick<T>(IReadOnlyList<T> from) => from[source.Below(from.Count)];

    /// <summary>64 random bits.</summary>
    public ulong Bits() => source.Next();
}
