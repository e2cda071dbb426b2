namespace LowRank.Runtime.Memory;

/// <summary>
/// Keeps the managed heap small beside the native one. The collector lets the youngest generation grow to the size of the third cache, often 32 MiB, before it looks at it;
/// a training step makes a few thousand small objects that are dead at its end. Looking every 4 MiB costs a millisecond and keeps resident memory flat.
/// </summary>
internal sealed class YoungObjects
{
    private const long Bytes = 4 << 20;
    private long allocatedAtCollection = GC.GetTotalAllocatedBytes();

    /// <summary>Collects the youngest generation where enough has been allocated since the last time.</summary>
    public void CollectIfDue()
    {
        var allocated = GC.GetTotalAllocatedBytes();
        if (allocated - allocatedAtCollection < Bytes) return;
        allocatedAtCollection = allocated;
        GC.Collect(0, GCCollectionMode.Forced);
    }
}
