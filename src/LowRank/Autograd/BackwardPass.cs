using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>Runs a backward pass over a graph with nodes of LowRank: rethrows what a node could not throw, and frees what the nodes returned.</summary>
internal static class BackwardPass
{
    [ThreadStatic] private static ErrorSlot? slot;

    /// <summary>Where nodes recorded on this thread put an exception and their gradients. CUDA's engine calls a node from another thread, hence not thread-static values.</summary>
    internal static ErrorSlot CurrentErrors => slot ??= new ErrorSlot();

    /// <summary>Computes gradients of the graph that ends in <paramref name="output"/> and adds them to those of the parameters.</summary>
    /// <param name="output">The end of the graph, recorded on this thread.</param>
    /// <param name="gradient">The gradient of <paramref name="output"/>, of its shape.</param>
    public static void Run(Tensor output, Tensor gradient)
    {
        var errors = CurrentErrors;
        errors.Clear();
        try
        {
            output.backward([gradient]);
        }
        finally
        {
            errors.FreeAll();
        }
        errors.Rethrow();
    }

    /// <summary>The first exception of a backward pass, and what its nodes returned.</summary>
    internal sealed class ErrorSlot
    {
        private readonly ConcurrentDictionary<int, List<Tensor>> returned = new();
        private volatile ExceptionDispatchInfo? first;

        public bool Failed => first is not null;

        public void Set(Exception error) => first ??= ExceptionDispatchInfo.Capture(error);

        public void Clear() => first = null;

        public void Rethrow()
        {
            var error = first;
            first = null;
            error?.Throw();
        }

        /// <summary>Keeps a returned gradient until libtorch has copied its handle, which it has when this thread calls the next node.</summary>
        public void FreeLater(Tensor gradient) => returned.GetOrAdd(Environment.CurrentManagedThreadId, static _ => []).Add(gradient);

        /// <summary>Frees the gradients that earlier nodes returned on this thread.</summary>
        public void FreeReturned()
        {
            if (returned.TryGetValue(Environment.CurrentManagedThreadId, out var mine)) Free(mine);
        }

        /// <summary>Frees the gradients of all threads, when the pass is over.</summary>
        public void FreeAll()
        {
            foreach (var list in returned.Values) Free(list);
        }

        private static void Free(List<Tensor> gradients)
        {
            foreach (var t in gradients) t.Dispose();
            gradients.Clear();
        }
    }
}
