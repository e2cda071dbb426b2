using System.Diagnostics;
using System.Text.Json.Nodes;
using LowRank.Testing;
using LowRank.Training.Monitoring.Jobs;

namespace LowRank.Training.Tests.Monitoring;

/// <summary>The list of running jobs: entered, removed, swept.</summary>
public sealed class JobRegistryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_is_listed_while_it_goes_on()
    {
        var registry = new JobRegistry(folder.At("running"));
        Assert.Empty(registry.List());
        using (registry.TryRegister(folder.At("a") + Path.DirectorySeparatorChar, TimeProvider.System))
        using (registry.TryRegister(folder.At("b"), TimeProvider.System))
        {
            Assert.Equal([folder.At("a"), folder.At("b")], registry.List().Select(e => e.Folder));
            Assert.All(registry.List(), e => Assert.Equal(Environment.ProcessId, e.Pid));
        }
        Assert.Empty(registry.List());
        Assert.Empty(Directory.GetFiles(folder.At("running")));
    }

    [Fact]
    public void What_ended_processes_left_is_swept()
    {
        var registry = new JobRegistry(folder.Path);
        using var mine = registry.TryRegister(folder.At("a"), TimeProvider.System);
        var entry = JsonNode.Parse(File.ReadAllText(Assert.Single(Directory.GetFiles(folder.Path))))!.AsObject();

        using var ended = Process.Start(new ProcessStartInfo("dotnet", "--version") { RedirectStandardOutput = true })!;
        ended.WaitForExit();
        Write("ended.json", e => e["pid"] = ended.Id);
        // The number of the process is another's by now.
        Write("reused.json", e => e["process_started"] = DateTimeOffset.UnixEpoch.AddYears(50));
        // A home folder may be shared.
        Write("elsewhere.json", e => e["machine"] = "another");
        folder.Write("damaged.json", "{ \"pid\": ");

        Assert.Equal(folder.At("a"), Assert.Single(registry.List()).Folder);
        Assert.Equal([$"{Environment.ProcessId}", "elsewhere.json"], Directory.GetFiles(folder.Path).Select(f => Path.GetFileName(f).Split('-')[0]).Order(StringComparer.Ordinal));

        void Write(string name, Action<JsonObject> change)
        {
            var changed = JsonNode.Parse(entry.ToJsonString())!.AsObject();
            change(changed);
            folder.Write(name, changed.ToJsonString());
        }
    }

    [Fact]
    public void Where_nothing_can_be_written_a_run_is_not_listed()
    {
        folder.Write("file", "");
        Assert.Null(new JobRegistry(folder.At("file/running")).TryRegister(folder.At("a"), TimeProvider.System));
    }
}
