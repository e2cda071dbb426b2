using LowRank.Runtime;

namespace LowRank.Tests.Runtime;

public sealed class ProcessorInfoTests
{
    [Fact]
    public void The_name_and_the_extensions_are_those_that_Linux_tells()
    {
        Assert.SkipUnless(File.Exists("/proc/cpuinfo"), "/proc/cpuinfo is Linux's");
        var lines = File.ReadAllLines("/proc/cpuinfo");
        var info = ProcessorInfo.Read();
        Assert.Equal(Environment.ProcessorCount, info.LogicalCores);
        if (Field(lines, "model name") is { } name) Assert.Equal(name, info.Name);
        if (Field(lines, "flags")?.Split(' ') is not { } flags) return;
        Assert.Equal(flags.Contains("avx2"), info.Extensions.Contains("AVX2"));
        Assert.Equal(flags.Contains("avx512_bf16"), info.Extensions.Contains("AVX512_BF16"));
        Assert.Equal(flags.Contains("amx_bf16"), info.Extensions.Contains("AMX_BF16"));
    }

    private static string? Field(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
}
