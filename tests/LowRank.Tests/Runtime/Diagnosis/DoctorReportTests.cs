using System.Text.Json;
using LowRank.Runtime.Diagnosis;
using LowRank.Runtime.Memory;

namespace LowRank.Tests.Runtime.Diagnosis;

public sealed class DoctorReportTests
{
    [Fact]
    public void A_machine_that_runs_the_tests_is_healthy()
    {
        var report = DoctorReport.Examine(measureSpeed: false);
        Assert.True(report.Healthy, string.Join('\n', report.Checks));
        string[] expected = ["lowrank", "system", "processor", "vector extensions", "memory", "this process", "disk", "libtorch", "TorchSharp", "copies of libtorch", "a matrix product", "native calls", "threads", "device", "verified"];
        // A machine with GPUs has two more lines for each.
        Assert.Equal(expected, report.Checks.Select(c => c.Name).Where(n => !n.Contains("cuda:", StringComparison.Ordinal)));
        Assert.All(report.Checks, check => Assert.NotEqual("", check.Value));
        Assert.All(report.Checks, check => Assert.True(check.Status == DoctorStatus.Ok || check.Fix is not null, check.Name));
    }

    // README and doctor say the same until the golden tests have run on a GPU.
    [Fact]
    public void What_is_not_verified_is_said_in_plain_words()
    {
        const string words = "CUDA: compiled, not yet verified on a GPU";
        Assert.Equal(words, DoctorReport.Examine(measureSpeed: false).Checks.Single(c => c.Name == "verified").Value);
        if (LowRank.Testing.RepositoryRoot.Folder is { } root) Assert.Contains(words, File.ReadAllText(Path.Combine(root, "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_is_plain_JSON()
    {
        var json = JsonSerializer.Serialize(DoctorReport.Examine(measureSpeed: false));
        using var document = JsonDocument.Parse(json);
        Assert.True(document.RootElement.GetProperty("Healthy").GetBoolean());
        Assert.Equal("1", document.RootElement.GetProperty("Checks").EnumerateArray().Single(c => c.GetProperty("Name").GetString() == "copies of libtorch").GetProperty("Value").GetString());
    }

    [Fact]
    public void Little_memory_is_a_warning_with_a_fix()
    {
        var memory = new MachineMemory { TotalBytes = 8L << 30, AvailableBytes = 6L << 30, GroupLimitBytes = 2L << 30, GroupAvailableBytes = 1L << 30 };
        var check = SystemChecks.Memory(memory);
        Assert.Equal(DoctorStatus.Warn, check.Status);
        Assert.Equal("1.0 GiB usable of 8.0 GiB, limited to 2.0 GiB by the container", check.Value);
        Assert.NotNull(check.Fix);
    }
}
