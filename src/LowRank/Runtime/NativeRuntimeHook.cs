using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace LowRank.Runtime;

/// <summary>
/// Lets TorchSharp's own loader find the libraries: when .NET cannot resolve a native name of TorchSharp, <see cref="NativeRuntime"/> loads all
/// and answers. So a use of TorchSharp works without an explicit call once any member of LowRank has run, and programs that never
/// touch a tensor load nothing.
/// </summary>
internal static class NativeRuntimeHook
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "It only registers a handler; loading stays lazy.")]
    internal static void Register() => AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;

    private static nint Resolve(Assembly assembly, string name) =>
        assembly.GetName().Name == "TorchSharp" && name is "torch_cpu" or "torch_cuda" or "LibTorchSharp" ? NativeRuntime.HandleOf(name) : 0;
}
