using LowRank.Runtime.Memory;
using LowRank.Training.Tests.Fuzzing.Formats;

namespace LowRank.Training.Tests.Fuzzing;

/// <summary>
/// Damaged files of every format that LowRank reads: each ends in an error of LowRank or is read, in time and within memory, and at least half of them get past what a reader looks at
/// first. Some thousand files here, 100,000 by <c>eng/soak.sh fuzz</c>; LOWRANK_FUZZ_ONLY with the number of a file, LOWRANK_FUZZ_SEED and a filter for the format try one again.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly FuzzFormat[] all =
    [
        new JsonLinesFuzz(), new JsonArrayFuzz(), new TableFuzz(), new TextFuzz(), new ParquetFuzz(), new RunYamlFuzz(), new ImportedSettingsFuzz(), new AdapterConfigFuzz(), new AdapterRecordFuzz(), new ModelConfigFuzz(),
        new TokenizerFuzz(), new TokenizerConfigFuzz(), new ChatTemplateFuzz(), new SafetensorsFuzz(), new SafetensorsIndexFuzz(), new GgufFuzz(),
    ];

    public static TheoryData<string> Formats => [.. all.Select(f => f.Name)];

    [Theory, MemberData(nameof(Formats))]
    public void Damaged_files_end_in_an_error_of_ours_or_are_read(string name)
    {
        var before = ProcessMemory.Read().PeakResidentBytes;
        var run = new FuzzRun(all.Single(f => f.Name == name), FuzzSettings.Seed, FuzzSettings.Folder);
        if (FuzzSettings.Only is { } only) run.Execute(only, 1);
        else run.Execute(0, (FuzzSettings.Inputs + all.Length - 1) / all.Length);
        output.WriteLine(run.Summary);
        Assert.True(run.Faults.Count == 0, string.Join("\n", run.Faults.Select(f => $"file {f.Index}: {f.What}\n    at {f.Place}\n    kept as {f.Path}")));
        if (FuzzSettings.Only is not null) return;
        Assert.True(run.PassedShare >= 0.5, run.Summary);
        // Alone in its process, what the system gave is known too, mapped files and native memory included.
        if (FuzzSettings.IsLong)
        {
            var peak = ProcessMemory.Read().PeakResidentBytes;
            output.WriteLine($"{name}: the process had {peak >> 20} MiB at most so far");
            Assert.True(peak - before <= FuzzRun.MostBytes, $"{before >> 20} MiB before, up to {peak >> 20} MiB with {name}");
        }
    }
}
