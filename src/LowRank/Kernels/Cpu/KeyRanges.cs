namespace LowRank.Kernels.Cpu;

/// <summary>
/// The keys that each query of a batch sees: those from <see cref="First"/> to its own place, and before them, where sequences that stand in one row begin with the same tokens, the keys
/// of that beginning, which stand there once.
/// </summary>
internal readonly unsafe struct KeyRanges
{
    /// <summary>Ranges without shared keys.</summary>
    public KeyRanges(int* first) => First = first;

    /// <summary>All ranges.</summary>
    public KeyRanges(int* first, int* sharedStart, int* sharedEnd)
    {
        First = first;
        SharedStart = sharedStart;
        SharedEnd = sharedEnd;
    }

    /// <summary>The first key of its own sequence that each query sees, <c>[batch, length]</c>.</summary>
    public int* First { get; }

    /// <summary>The first shared key that it sees, <c>[batch, length]</c>; null where nothing is shared.</summary>
    public int* SharedStart { get; }

    /// <summary>What follows the last one, at most <see cref="First"/>; where it is not above the first, the query sees none.</summary>
    public int* SharedEnd { get; }

    /// <summary>Whether sequences share keys.</summary>
    public bool AreShared => SharedStart is not null;
}
