using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Cli.Tests;

/// <summary>
/// What merging occupies at its peak (VmHWM of the tool's process): a few times the largest tensor and what the program itself needs, not the model. The larger sizes, for which also the speed of
/// writing is held against the disk's, run by eng/soak/merge.sh.
/// </summary>
public sealed class MergeMemoryTests : IDisposable
{
    private const long Base = 500L << 20;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Of many equal tensors in fp32, so that the whole model (465 MB) is far from the bound, 525 MiB, on top of the program itself.
    [Fact]
    public async Task A_model_of_a_tenth_of_a_billion_is_merged_in_the_memory_of_its_largest_tensor() =>
        await Measure(new RepeatedCheckpoint(768, 2048, 16, 768, 2048, TensorType.F32));

    [Theory]
    [InlineData("1.1b", 2048, 5632, 22, 256)]
    [InlineData("7b", 4096, 11008, 32, 4096)]
    public async Task Larger_models_are_too_and_are_written_nearly_as_fast_as_the_disk_takes_them(string size, long hidden, long intermediate, int layers, long keyValueWidth)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("LOWRANK_SOAK_MERGE") == size, $"needs gigabytes of disk: eng/soak.sh merge {size}");
        var checkpoint = new RepeatedCheckpoint(hidden, intermediate, layers, keyValueWidth, 32000, TensorType.BF16);
        var bytesPerSecond = await Measure(checkpoint);
        var disk = DiskBytesPerSecond(Math.Min(checkpoint.Bytes, 4L << 30));
        Write(FormattableString.Invariant($"{size}: written at {bytesPerSecond / 1e6:0} MB/s, {bytesPerSecond / disk:0.00} of the {disk / 1e6:0} MB/s that the disk takes"));
        Assert.True(bytesPerSecond >= 0.7 * disk, "merging is slower than 70 % of the disk");
    }

    // Merges in a process of its own; returns bytes of weights written a second.
    private async Task<double> Measure(RepeatedCheckpoint checkpoint)
    {
        var (model, adapter) = (checkpoint.WriteModel(folder.At("model")), checkpoint.WriteAdapter(folder.At("adapter")));
        using var process = Tool.Start(["merge", "--model", model, "--adapter", adapter, "--output", folder.At("merged"), "--check", "false", "--json"]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.StandardInput.Close();
        // The process's own record of its peak goes with it; what it prints is read just after the work.
        var peak = 0L;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, PeakOf(process));
            await Task.Delay(5);
        }
        await Tool.End(process);
        Assert.True(process.ExitCode == 0, await error);
        var json = JsonNode.Parse(await output)!;
        Assert.Equal(checkpoint.Bytes, json["bytes"]!.GetValue<long>());
        peak = Math.Max(peak, (long)(json["peak_rss_mib"]!.GetValue<double>() * 1048576));
        var most = 4 * checkpoint.LargestBytes + Base;
        Write(FormattableString.Invariant($"{checkpoint.Bytes / 1e6:0} MB of weights, the largest tensor {checkpoint.LargestBytes / 1e6:0} MB: VmHWM {peak >> 20} MiB, at most {most >> 20}"));
        Assert.True(peak > 50L << 20, "the peak was not read");
        Assert.True(peak <= most, FormattableString.Invariant($"VmHWM {peak >> 20} MiB, at most {most >> 20} MiB were expected"));
        return checkpoint.Bytes / json["seconds"]!.GetValue<double>();
    }

    private static long PeakOf(Process process)
    {
        if (!OperatingSystem.IsLinux()) return process.PeakWorkingSet64;
        try
        {
            var line = File.ReadLines($"/proc/{process.Id}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line["VmHWM:".Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // it has just ended
        }
    }

    // Large blocks one after another, and to the disk at the end, as merging writes.
    private double DiskBytesPerSecond(long bytes)
    {
        var block = new byte[16 << 20];
        new Random(3).NextBytes(block);
        var clock = Stopwatch.StartNew();
        using (var file = new FileStream(folder.At("speed"), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            for (long at = 0; at < bytes; at += block.Length) file.Write(block);
            file.Flush(flushToDisk: true);
        }
        return bytes / clock.Elapsed.TotalSeconds;
    }

    private static void Write(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
