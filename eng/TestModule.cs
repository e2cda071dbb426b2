using System.Runtime.CompilerServices;
using LowRank.Runtime;

/// <summary>Linked into every test project: tests may use TorchSharp before they touch a type of LowRank, so LowRank's hook is registered first.</summary>
internal static class TestModule
{
    [ModuleInitializer]
    internal static void Register() => RuntimeHelpers.RunModuleConstructor(typeof(NativeRuntime).Module.ModuleHandle);
}
