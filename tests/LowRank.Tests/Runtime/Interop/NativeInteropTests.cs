using LowRank.Runtime;
using LowRank.Runtime.Interop;

namespace LowRank.Tests.Runtime.Interop;

public sealed class NativeInteropTests
{
    [Fact]
    public void Libtorch_of_this_platform_exports_what_is_called()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "proven on Linux; elsewhere the twins may be taken");
        NativeRuntime.Load();
        Assert.All(AotiTorch.Functions, function => Assert.True(function.Present, function.Name));
    }

    [Fact]
    public void Scopes_nest_and_end_once()
    {
        Assert.True(NativeInterop.Enabled);
        using (var outer = NativeInterop.SwitchOff())
        {
            using (NativeInterop.SwitchOff()) Assert.False(NativeInterop.Enabled);
            Assert.False(NativeInterop.Enabled);
            outer.Dispose();
            Assert.True(NativeInterop.Enabled);
        }
        Assert.True(NativeInterop.Enabled);
    }

    [Fact]
    public async Task The_variable_switches_it_off()
    {
        var (exit, output) = await ChildProcess.Load(null, ("LOWRANK_NO_INTEROP", "1"));
        Assert.True(exit == 0, output);
        Assert.Contains("interop False", output, StringComparison.Ordinal);
    }
}
