using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LowRank.Runtime;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// A node of libtorch's graph whose backward is managed code, over the native functions that TorchSharp exports for its own
/// <c>SingleTensorFunction</c>. That class keeps what a backward returns until a collection and lets an exception end the process; a node here
/// frees what it saved as soon as its backward has used it, and hands an exception to <see cref="BackwardPass.Run"/>.
/// A node saves inputs or copies, never its own output: that would be a cycle that nothing frees.
/// </summary>
internal abstract unsafe class AutogradNode
{
    private readonly ApplyCallback apply;
    private readonly DeleteCallback delete;
    private readonly BackwardPass.ErrorSlot errors;
    private nint* returned;
    private int inputCount;
    private bool[] asked = [];
    private GCHandle self;

    /// <summary>Creates a node that reports to the backward pass of the thread that records the graph.</summary>
    protected AutogradNode()
    {
        apply = Apply;
        delete = Deleted;
        errors = BackwardPass.CurrentErrors;
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate TensorArray ApplyCallback(nint* gradOutputs, int count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void DeleteCallback();

    /// <summary>Handles of nodes that the graph holds: what a test for leaks counts.</summary>
    internal static int Alive => alive;
    private static int alive;
    [ThreadStatic] private static AutogradNode? lastDeleted;
    private static readonly ConditionalWeakTable<Tensor, AutogradNode> makers = [];

    /// <summary>
    /// The node that made this tensor, where it can make the values again from what it keeps anyway; else null. Who would keep the tensor for its backward keeps the node instead: the
    /// node's own backward comes after that of everyone who read its output, so what it saved is there.
    /// </summary>
    public static AutogradNode? MakerOf(Tensor output) => makers.TryGetValue(output, out var maker) ? maker : null;

    /// <summary>Whether <see cref="Again"/> can be called.</summary>
    protected virtual bool MakesAgain => false;

    /// <summary>The output once more, bit for bit, in a tensor of its own. Only before the backward of this node.</summary>
    public virtual Tensor Again() => throw new InvalidOperationException($"{GetType().Name} cannot make its output again.");

    /// <summary>Whether an operation on these inputs must be recorded.</summary>
    public static bool IsNeeded(params ReadOnlySpan<Tensor> inputs)
    {
        if (!is_grad_enabled()) return false;
        foreach (var input in inputs)
            if (input.requires_grad) return true;
        return false;
    }

    /// <summary>Whether a gradient is asked for the input at this place.</summary>
    protected bool IsAsked(int input) => asked[input];

    /// <summary>Computes the gradients of the inputs; what is left null is undefined. Called once, with grad mode off; tensors made in it are freed after it.</summary>
    /// <param name="gradOutputs">The gradients of the outputs, in their order; null where none came, but never all.</param>
    /// <param name="gradInputs">One place for each input given to <see cref="Attach(ReadOnlySpan{Tensor}, ReadOnlySpan{Tensor})"/>.</param>
    protected abstract void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs);

    /// <summary>Frees what the node saved. Called after the backward, or when the graph goes without one.</summary>
    protected abstract void Release();

    /// <summary>Makes <paramref name="output"/>, computed without a graph, the output of this node; the tensor given in is consumed.</summary>
    protected Tensor Attach(ReadOnlySpan<Tensor> inputs, Tensor output) => Attach(inputs, [output])[0];

    /// <summary>Makes <paramref name="results"/>, computed without a graph, the outputs of this node; the tensors given in are consumed.</summary>
    protected Tensor[] Attach(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> results)
    {
        var native = AutogradExports.Instance;
        inputCount = inputs.Length;
        returned = (nint*)NativeMemory.AllocZeroed((nuint)Math.Max(1, inputCount), (nuint)sizeof(nint));
        var handles = stackalloc nint[inputCount];
        asked = new bool[inputCount];
        for (var i = 0; i < inputCount; i++) (handles[i], asked[i]) = (inputs[i].Handle, inputs[i].requires_grad);
        self = GCHandle.Alloc(this);
        Interlocked.Increment(ref alive);

        var node = native.Create(Marshal.GetFunctionPointerForDelegate(apply), Marshal.GetFunctionPointerForDelegate(delete));
        var variables = new TensorArray { Array = (nint)handles, Count = inputCount };
        native.SetNextEdges(node, variables, 1);
        native.ClearInputMetadata(node);
        var resultHandles = stackalloc nint[results.Length];
        for (var i = 0; i < results.Length; i++) resultHandles[i] = results[i].Handle;
        var outputs = new TensorArray { Array = (nint)resultHandles, Count = results.Length };
        native.WrapOutputs(variables, default, default, outputs, node, AutogradExports.Allocator);
        var wrapped = AutogradExports.TakeAllocated(results.Length);
        native.DisposeShared(node);
        native.DisposeWeak(node);
        foreach (var result in results) result.Dispose();
        foreach (var input in inputs) GC.KeepAlive(input);
        if (wrapped.Contains(0)) throw new LowRankException($"libtorch did not take the outputs of {GetType().Name} into its graph.");
        var made = Array.ConvertAll(wrapped, Tensor.UnsafeCreateTensor);
        if (MakesAgain) makers.Add(made[0], this);
        return made;
    }

    private TensorArray Apply(nint* gradOutputs, int count)
    {
        errors.FreeReturned();
        for (var i = 0; i < inputCount; i++) returned[i] = 0;
        try
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var arrived = new Tensor?[count];
            for (var i = 0; i < count; i++) arrived[i] = gradOutputs[i] == 0 ? null : Tensor.UnsafeCreateTensor(gradOutputs[i]);
            if (!errors.Failed && Array.Exists(arrived, g => g is not null))
            {
                var gradients = new Tensor?[inputCount];
                Backward(arrived, gradients);
                for (var i = 0; i < inputCount; i++)
                {
                    if (gradients[i] is not { } g) continue;
                    returned[i] = g.DetachFromDisposeScope().Handle;
                    errors.FreeLater(g);
                }
            }
        }
        catch (Exception error)
        {
            // An exception that leaves this callback would end the process: it waits for BackwardPass.Run instead.
            errors.Set(error);
            for (var i = 0; i < inputCount; i++) returned[i] = 0;
        }
        ReleaseOnce();
        return new TensorArray { Array = (nint)returned, Count = inputCount };
    }

    private bool isReleased;

    private void ReleaseOnce()
    {
        if (isReleased) return;
        isReleased = true;
        try
        {
            Release();
        }
        catch (Exception error)
        {
            errors.Set(error);
        }
    }

    private void Deleted()
    {
        ReleaseOnce();
        NativeMemory.Free(returned);
        returned = null;
        Interlocked.Decrement(ref alive);
        // The delegates must outlive this call, which came through one of them: the thread's next deleted node lets this one go.
        lastDeleted = this;
        self.Free();
    }
}

/// <summary>libtorch's array of tensor handles, as TorchSharp's native part passes it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TensorArray
{
    /// <summary>Address of the handles.</summary>
    public nint Array;

    /// <summary>Number of handles.</summary>
    public long Count;
}

/// <summary>The two smart pointers that stand for a node.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NodePointer
{
    /// <summary>Address of the shared pointer.</summary>
    public nint Shared;

    /// <summary>Address of the weak pointer.</summary>
    public nint Weak;
}
