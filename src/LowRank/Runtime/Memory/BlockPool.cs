using System.Runtime.InteropServices;

namespace LowRank.Runtime.Memory;

/// <summary>
/// Large blocks of native memory that are used again in every training step: pages that stay are neither cleared nor faulted in anew, which costs a step more than its
/// norms and activations. A block that is asked for is the free one of its size, or a new one. All blocks together, lent and free, take hardly more than was ever lent at once:
/// where a new one would exceed that, free blocks of other sizes go back to the system first.
/// </summary>
internal static unsafe class BlockPool
{
    /// <summary>
    /// What all blocks together may take beyond the most that was lent at once. A step lends its blocks in other numbers at other times; without this room the last one to need a
    /// new size would give back what the next step begins with.
    /// </summary>
    internal const long Slack = 64L << 20;

    // Not whole huge pages: the system lays blocks side by side, and a huge page may reach over two, where each block with one of its own would leave its end unused.
    private const long Page = 4096;

    private static readonly Lock gate = new();
    private static readonly Dictionary<nint, long> lent = [];
    private static readonly Dictionary<long, Stack<nint>> free = [];
    // Sizes in the order of their last return; the front was not used for the longest time.
    private static readonly LinkedList<long> order = new();
    private static long freeBytes;
    private static long lentBytes;
    private static long mostLentBytes;
    private static long newBytes;

    /// <summary>Bytes that are lent out now.</summary>
    public static long LentBytes
    {
        get
        {
            lock (gate) return lentBytes;
        }
    }

    /// <summary>Bytes that were ever taken from the system.</summary>
    public static long NewBytes
    {
        get
        {
            lock (gate) return newBytes;
        }
    }

    /// <summary>Bytes that wait for their next use.</summary>
    public static long FreeBytes
    {
        get
        {
            lock (gate) return freeBytes;
        }
    }

    /// <summary>A block of at least so many bytes, aligned to a page, with any content.</summary>
    public static byte* Rent(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        var size = SizeOf(bytes);
        lock (gate)
        {
            if (free.TryGetValue(size, out var blocks) && blocks.TryPop(out var block))
            {
                freeBytes -= size;
            }
            else
            {
                GiveBack(lentBytes + freeBytes + size - Math.Max(mostLentBytes, lentBytes + size) - Slack);
                newBytes += size;
                block = (nint)NativeMemory.AlignedAlloc((nuint)size, (nuint)Page);
                PageAdvice.PreferHugePages((void*)block, size);
            }
            lent.Add(block, size);
            lentBytes += size;
            mostLentBytes = Math.Max(mostLentBytes, lentBytes);
            return (byte*)block;
        }
    }

    /// <summary>Gives a block back to the pool.</summary>
    public static void Return(void* block)
    {
        lock (gate)
        {
            if (!lent.Remove((nint)block, out var size)) throw new ArgumentException("The block is not one of the pool's, or was given back before.", nameof(block));
            lentBytes -= size;
            freeBytes += size;
            if (!free.TryGetValue(size, out var blocks)) free[size] = blocks = new();
            blocks.Push((nint)block);
            if (order.Last?.Value == size) return;
            order.Remove(size);
            order.AddLast(size);
        }
    }

    /// <summary>Gives all free blocks back to the system: after a run, when something else needs the memory.</summary>
    public static void Trim()
    {
        lock (gate)
        {
            GiveBack(long.MaxValue);
            mostLentBytes = lentBytes;
        }
    }

    // Eighths of a power of two: at most an eighth of a block lies idle, and batches of nearly the same width share their blocks.
    private static long SizeOf(long bytes)
    {
        var step = Math.Max(Page, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, bytes)) / 16);
        return (bytes + step - 1) / step * step + (bytes == 0 ? step : 0);
    }

    private static void GiveBack(long bytes)
    {
        while (bytes > 0 && order.First is { } oldest)
        {
            var blocks = free[oldest.Value];
            while (bytes > 0 && blocks.TryPop(out var block))
            {
                NativeMemory.AlignedFree((void*)block);
                freeBytes -= oldest.Value;
                bytes -= oldest.Value;
            }
            if (blocks.Count == 0) order.RemoveFirst();
        }
    }
}
