using System.IO.MemoryMappedFiles;
using LowRank.Runtime;
using LowRank.Runtime.Interop;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>
/// Moments in a mapped file. Its pages are file-backed: while memory is plentiful they stay, and an update costs what it does in memory. When less than a margin
/// would be left beside them, the windows that follow are written back behind the update and let go, and read ahead of it in the next step. That is done here and not
/// left to the kernel alone, because it would first evict what the forward pass needs next. Where these calls are missing (not Linux) the system pages as it sees fit.
/// </summary>
internal sealed unsafe class PagedState : OptimizerState
{
    // Windows whose writing goes on while later ones are updated.
    private const int Writing = 2;

    private readonly MomentLayout layout;
    private readonly MemoryRoom system;
    private readonly Func<long> room;
    private readonly long margin;
    private readonly SafeFileHandle file;
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;
    private readonly Dictionary<StateBuffer, Tensor> tensors = [];
    private readonly WindowPlace[] places;
    private readonly Queue<int> written = new();
    private long kept;
    private PagingTraffic traffic;

    /// <summary>Creates the file, with its space reserved.</summary>
    /// <param name="layout">The buffers.</param>
    /// <param name="paging">Where the file lies.</param>
    /// <param name="room">Memory that the process may take beside the state's pages, in bytes; null reads it from the system.</param>
    /// <param name="margin">How much of it must stay free.</param>
    /// <exception cref="LowRankException">There is too little disk space, or the folder cannot be written.</exception>
    public PagedState(MomentLayout layout, OptimizerPaging paging, Func<long>? room = null, long? margin = null)
    {
        this.layout = layout;
        places = new WindowPlace[layout.Windows.Count];
        (file, map) = PageFile.Create(paging.Folder, layout.Bytes);
        try
        {
            view = map.CreateViewAccessor(0, layout.Bytes);
        }
        catch
        {
            map.Dispose();
            file.Dispose();
            throw;
        }
        system = new MemoryRoom(paging.MemoryLimitBytes);
        this.room = room ?? system.Beside;
        this.margin = margin ?? system.Margin;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
        foreach (var b in layout.Buffers)
            tensors[b] = TensorMemory.TensorFromPointer((nint)(start + b.Offset), [b.Elements], b.ScalarType).DetachFromDisposeScope();
    }

    private enum WindowPlace
    {
        /// <summary>Never touched: holes of the file, which read as zeros.</summary>
        New,

        /// <summary>In memory, unless the kernel took it.</summary>
        Kept,

        /// <summary>Written back and let go.</summary>
        Dropped,
    }

    public override Tensor View(StateBuffer buffer) => tensors[buffer];

    public override void Begin(int window)
    {
        // What was let go is counted when its reading begins: by its turn it may be there.
        if (window == 0 || places[window] == WindowPlace.Kept) Count(window);
        var next = window + 1;
        if (next < places.Length && places[next] == WindowPlace.Dropped)
        {
            Count(next);
            foreach (var s in layout.Windows[next].Segments) PageAdvice.ReadAhead(start + s.Offset, s.Bytes);
        }
        if (places[window] != WindowPlace.Kept) kept += layout.Windows[window].Bytes;
        places[window] = WindowPlace.Kept;
    }

    public override void End(int window)
    {
        if (room() - kept >= margin) return;
        foreach (var s in layout.Windows[window].Segments) PageAdvice.StartWriting(file, s.Offset, s.Bytes);
        written.Enqueue(window);
        if (written.Count > Writing) Drop(written.Dequeue());
    }

    public override PagingTraffic? EndStep()
    {
        while (written.TryDequeue(out var window)) Drop(window);
        system.EndStep();
        var result = traffic;
        traffic = default;
        return result;
    }

    private void Count(int window)
    {
        if (places[window] == WindowPlace.New) return;
        long missing = 0;
        foreach (var s in layout.Windows[window].Segments) missing += s.Bytes - PageAdvice.ResidentBytes(start + s.Offset, s.Bytes);
        traffic = new(traffic.InBytes + missing, traffic.OutBytes + (places[window] == WindowPlace.Kept ? missing : 0));
    }

    private void Drop(int window)
    {
        long gone = 0;
        foreach (var s in layout.Windows[window].Segments)
        {
            PageAdvice.Evict(file, start, s.Offset, s.Bytes);
            gone += s.Bytes - PageAdvice.ResidentBytes(start + s.Offset, s.Bytes);
        }
        places[window] = WindowPlace.Dropped;
        kept -= layout.Windows[window].Bytes;
        traffic = traffic with { OutBytes = traffic.OutBytes + gone };
    }

    public override void Dispose()
    {
        if (view.SafeMemoryMappedViewHandle.IsClosed) return;
        system.Dispose();
        foreach (var t in tensors.Values) t.Dispose();
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
        file.Dispose();
    }
}
