namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>Damages bytes whatever they mean: flips, cuts, repeats, inserts.</summary>
internal static class ByteMutator
{
    /// <summary>One to three damages.</summary>
    public static byte[] Damage(byte[] bytes, FuzzRandom random)
    {
        var damaged = new List<byte>(bytes);
        for (var n = random.Between(1, 3); n > 0; n--) Once(damaged, random);
        return [.. damaged];
    }

    /// <summary>Changes single bytes of a stretch and nothing of its length.</summary>
    public static void Flip(Span<byte> bytes, FuzzRandom random)
    {
        if (bytes.IsEmpty) return;
        for (var n = random.Between(1, 4); n > 0; n--)
            if (random.OneIn(2)) bytes[random.Below(bytes.Length)] ^= (byte)(1 << random.Below(8));
            else bytes[random.Below(bytes.Length)] = (byte)random.Below(256);
    }

    private static void Once(List<byte> bytes, FuzzRandom random)
    {
        var at = random.Below(bytes.Count + 1);
        var length = Math.Min(bytes.Count - at, 1 + random.Below(16));
        switch (random.Below(6))
        {
            case 0 when at < bytes.Count: bytes[at] ^= (byte)(1 << random.Below(8)); break;
            case 1 when at < bytes.Count: bytes[at] = (byte)random.Below(256); break;
            case 2: bytes.RemoveRange(at, length); break;
            case 3: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
            case 4: bytes.RemoveRange(at, bytes.Count - at); break;
            default: bytes.InsertRange(at, random.Pick(Edges.Bytes)); break;
        }
    }
}
