using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>Runs a backward pass over a graph with nodes of LowRank: rethrows what a node could not throw, and frees what the nodes returned.</summary>
internal static class BackwardPass
{
    [ThreadStatic] private static ErrorSlot? slot;
    [ThreadStatic] private static List<Tensor>? returned;

    /// <summary>Where nodes recorded on this thread put an exception. CUDA's engine calls a node from another thread, hence not a thread-static value.</summary>
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
            FreeReturned();
        }
        errors.Rethrow();
    }

    /// <summary>Keeps a returned gradient until libtorch has copied its handle, which it has when the next node is called.</summary>
    internal static void FreeLater(Tensor gradient) => (returned ??= []).Add(gradient);

    /// <summary>Frees the gradients that earlier nodes of this thread returned.</summary>
    internal static void FreeReturned()
    {
        if (returned is null) return;
        foreach (var t in returned) t.Dispose();
        returned.Clear();
    }

    /// <summary>The first exception of a backward pass.</summary>
    internal sealed class ErrorSlot
    {
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
    }
}
