using LowRank.Runtime;
using TorchSharp;

namespace LowRank.Tests.Runtime;

public sealed class NativeRuntimeTests
{
    [Fact]
    public void TorchSharp_computes_over_what_was_loaded()
    {
        using var ramp = torch.arange(6, dtype: torch.float32).reshape(2, 3);
        using var product = torch.mm(ramp, ramp.t());
        Assert.Equal([5f, 14f, 14f, 50f], product.data<float>().ToArray());
    }

    [Fact]
    public void Load_gives_the_same_record_each_time_and_names_what_it_loaded()
    {
        var info = NativeRuntime.Load();
        Assert.Same(info, NativeRuntime.Load());
        Assert.True(NativeRuntime.IsLoaded);
        Assert.Equal(2, info.LibTorchVersion.Major);
        Assert.True(File.Exists(info.NativePartPath), info.NativePartPath);
        Assert.True(Directory.Exists(info.LibTorchFolder), info.LibTorchFolder);
    }

    [Fact]
    public void Exactly_one_libtorch_is_mapped()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc/self/maps is Linux's");
        NativeRuntime.Load();
        torch.ones(2).Dispose();
        var mapped = File.ReadLines("/proc/self/maps").Select(line => line.Split(' ')[^1])
            .Where(path => Path.GetFileName(path).StartsWith("libtorch_cpu", StringComparison.Ordinal)).Distinct();
        Assert.Single(mapped);
        Assert.False(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "cpu")), "TorchSharp's loader copied the libraries");
    }
}
