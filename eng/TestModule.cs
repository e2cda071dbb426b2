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
        // Programs that tests start train tiny models: what the tool gains for large ones by optimizing at once (LowRank.Cli.csproj) takes half of the processor's time there. 100 ms, as the runtime has it.
        if (Environment.GetEnvironmentVariable("DOTNET_TC_CallCountingDelayMs") is null) Environment.SetEnvironmentVariable("DOTNET_TC_CallCountingDelayMs", "64");
    }
}
