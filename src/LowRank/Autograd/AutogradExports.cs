using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LowRank.Runtime;

namespace LowRank.Autograd;

/// <summary>The functions of TorchSharp's native part that <see cref="AutogradNode"/> calls.</summary>
internal sealed unsafe class AutogradExports
{
    [ThreadStatic] private static nint allocated;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, NodePointer> create;
    private readonly delegate* unmanaged[Cdecl]<NodePointer, void> disposeShared;
    private readonly delegate* unmanaged[Cdecl]<NodePointer, void> disposeWeak;
    private readonly delegate* unmanaged[Cdecl]<NodePointer, void> clearInputMetadata;
    private readonly delegate* unmanaged[Cdecl]<NodePointer, TensorArray, byte, void> setNextEdges;
    private readonly delegate* unmanaged[Cdecl]<TensorArray, TensorArray, TensorArray, TensorArray, NodePointer, nint, void> wrapOutputs;

    private AutogradExports()
    {
        var library = NativeRuntime.HandleOf("LibTorchSharp");
        create = (delegate* unmanaged[Cdecl]<nint, nint, NodePointer>)NativeLibrary.GetExport(library, "THSAutograd_CSharpNode_ctor");
        disposeShared = (delegate* unmanaged[Cdecl]<NodePointer, void>)NativeLibrary.GetExport(library, "THSAutograd_CSharpNode_disposeSharedPtr");
        disposeWeak = (delegate* unmanaged[Cdecl]<NodePointer, void>)NativeLibrary.GetExport(library, "THSAutograd_CSharpNode_disposeWeakPtr");
        clearInputMetadata = (delegate* unmanaged[Cdecl]<NodePointer, void>)NativeLibrary.GetExport(library, "THSAutograd_CSharpNode_clearInputMetadata");
        setNextEdges = (delegate* unmanaged[Cdecl]<NodePointer, TensorArray, byte, void>)NativeLibrary.GetExport(library, "THSAutograd_CSharpNode_setNextEdges");
        wrapOutputs = (delegate* unmanaged[Cdecl]<TensorArray, TensorArray, TensorArray, TensorArray, NodePointer, nint, void>)
            NativeLibrary.GetExport(library, "THSAutograd_Function_wrapOutputs");
    }

    /// <summary>The functions, found on first use.</summary>
    public static AutogradExports Instance { get; } = new();

    /// <summary>Address of the function that libtorch asks for a place of its results.</summary>
    public static nint Allocator => (nint)(delegate* unmanaged[Cdecl]<nuint, nint>)&Allocate;

    /// <summary>The results of the last call on this thread; zeros when there were none.</summary>
    public static nint[] TakeAllocated(int count)
    {
        var results = new nint[count];
        if (allocated == 0) return results;
        new ReadOnlySpan<nint>((void*)allocated, count).CopyTo(results);
        NativeMemory.Free((void*)allocated);
        allocated = 0;
        return results;
    }

    public NodePointer Create(nint apply, nint delete) => create(apply, delete);

    public void DisposeShared(NodePointer node) => disposeShared(node);

    public void DisposeWeak(NodePointer node) => disposeWeak(node);

    public void ClearInputMetadata(NodePointer node) => clearInputMetadata(node);

    public void SetNextEdges(NodePointer node, TensorArray inputs, byte isExecutable) => setNextEdges(node, inputs, isExecutable);

    public void WrapOutputs(TensorArray inputs, TensorArray nonDifferentiable, TensorArray dirty, TensorArray outputs, NodePointer node, nint allocator) =>
        wrapOutputs(inputs, nonDifferentiable, dirty, outputs, node, allocator);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Allocate(nuint count) => allocated = (nint)NativeMemory.AllocZeroed(Math.Max(1, count), (nuint)sizeof(nint));
}
