using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace LowRank.Runtime.Interop;

/// <summary>libtorch's worker threads, which its operators use as well: two pools at once would halve each other's speed.</summary>
internal static unsafe class TorchThreads
{
    /// <summary>The number of threads that libtorch computes one operator on.</summary>
    public static int Count
    {
        get
        {
            NativeRuntime.Load();
            return torch.get_num_threads();
        }

        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            NativeRuntime.Load();
            torch.set_num_threads(value);
        }
    }

    /// <summary>Whether <see cref="For"/> runs its ranges on threads of their own at the same time, so that they may wait for each other.</summary>
    public static bool AreConcurrent
    {
        get
        {
            NativeRuntime.Load();
            return NativeInterop.Enabled && AotiTorch.ParallelFor is not null;
        }
    }

    /// <summary>
    /// Calls <paramref name="body"/> with ranges that together make up [<paramref name="begin"/>, <paramref name="end"/>), on several threads. The split depends on the
    /// number of threads only. Operators of libtorch called by the body stay on its thread.
    /// </summary>
    /// <param name="begin">First index.</param>
    /// <param name="end">Index after the last.</param>
    /// <param name="grain">The smallest number of indices worth a thread.</param>
    /// <param name="body">Gets begin and end of a range. The first exception that it throws is rethrown here, after all ranges have ended.</param>
    public static void For(long begin, long end, long grain, Action<long, long> body)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(grain);
        if (begin >= end) return;
        NativeRuntime.Load();
        var work = new Work(body);
        if (NativeInterop.Enabled && AotiTorch.ParallelFor is not null)
        {
            var context = GCHandle.Alloc(work);
            try
            {
                // An exception must not cross native frames, so Work keeps it and the result is always success.
                _ = AotiTorch.ParallelFor(begin, end, grain, &Run, (void*)GCHandle.ToIntPtr(context));
            }
            finally
            {
                context.Free();
            }
        }
        else
        {
            Managed(begin, end, grain, work);
        }
        work.Error?.Throw();
    }

    /// <summary>
    /// Calls <paramref name="body"/> with ranges that together make up [0, <paramref name="count"/>), each taken by whichever thread is free: a thread whose processor another program
    /// uses for a moment holds nobody up for longer than a range takes.
    /// </summary>
    /// <param name="count">Number of indices.</param>
    /// <param name="piece">Indices of a range; the last may have fewer.</param>
    /// <param name="body">As in <see cref="For"/>.</param>
    public static void Share(long count, long piece, Action<long, long> body)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(piece);
        var (pieces, taken) = ((count + piece - 1) / piece, 0L);
        For(0, Math.Min(pieces, Count), 1, (_, _) =>
        {
            for (long next; (next = Interlocked.Increment(ref taken) - 1) < pieces;) body(next * piece, Math.Min(count, (next + 1) * piece));
        });
    }

    // The same split as at::parallel_for: as many equal ranges as threads, but none below the grain.
    private static void Managed(long begin, long end, long grain, Work work)
    {
        var length = end - begin;
        var parts = Math.Clamp((length + grain - 1) / grain, 1, Count);
        var size = (length + parts - 1) / parts;
        Parallel.For(0, (int)parts, part =>
        {
            var from = begin + part * size;
            if (from < end) work.Run(from, Math.Min(end, from + size));
        });
    }

    [UnmanagedCallersOnly]
    private static void Run(long begin, long end, void* context) =>
        Unsafe.As<Work>(GCHandle.FromIntPtr((nint)context).Target)!.Run(begin, end);

    private sealed class Work(Action<long, long> body)
    {
        private ExceptionDispatchInfo? error;

        public ExceptionDispatchInfo? Error => Volatile.Read(ref error);

        public void Run(long begin, long end)
        {
            try
            {
                body(begin, end);
            }
            catch (Exception thrown)
            {
                Interlocked.CompareExchange(ref error, ExceptionDispatchInfo.Capture(thrown), null);
            }
        }
    }
}
