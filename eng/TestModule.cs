using System.Runtime.CompilerServices;
using LowRank.Runtime;

/// <summary>Linked into every test project: tests may use TorchSharp before they touch a type of LowRank, so LowRank's hook is registered first.</summary>
internal static class TestModule
{
    [ModuleInitializer]
    internal static void Register()
    {
        RuntimeHelpers.RunModuleConstructor(typeof(NativeRuntime).Module.ModuleHandle);
        // What names no device is tested on the processor; tests that take one name each that is there (Devices in LowRank.Testing).
        if (Environment.GetEnvironmentVariable(ComputeDevice.Variable) is null) Environment.SetEnvironmentVariable(ComputeDevice.Variable, "cpu");
    }
}
