using System.Diagnostics;
using LowRank.Formats;

namespace LowRank.Tests.Formats;

/// <summary>A disk that is really full: a tmpfs of 2 MB in a mount namespace of its own, in which this same test runs again as a child.</summary>
public sealed class FullDiskTests
{
    private const string Folder = "LOWRANK_TEST_FULL_DISK";

    [Fact]
    public void A_full_disk_is_said_and_nothing_stays()
    {
        if (Environment.GetEnvironmentVariable(Folder) is { Length: > 0 } folder)
        {
            AsChild(folder);
            return;
        }
        Assert.SkipUnless(OperatingSystem.IsLinux() && Run("unshare", "-rm", "true") == 0, "mount namespaces are not allowed here");
        var mount = Directory.CreateTempSubdirectory("lowrank-").FullName;
        try
        {
            var program = Path.ChangeExtension(typeof(FullDiskTests).Assembly.Location, null);
            Assert.Equal(0, Run("unshare", "-rm", "sh", "-c", $"mount -t tmpfs -o size=2m none '{mount}' && {Folder}='{mount}' exec '{program}' -class '{typeof(FullDiskTests).FullName}'"));
            Assert.Empty(Directory.GetFileSystemEntries(mount));
        }
        finally
        {
            Directory.Delete(mount);
        }
    }

    private static void AsChild(string folder)
    {
        Assert.InRange(DiskSpace.Free(folder), 1, 2 << 20);
        var path = Path.Combine(folder, "x.safetensors");
        Assert.Contains("are needed, but", Assert.Throws<LowRankException>(() => SafetensorsWriter.Create(path, [("a", TensorType.U8, [4 << 20])])).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "the old file");
        var full = Assert.Throws<LowRankException>(() =>
        {
            using var file = AtomicFile.Create(path);
            for (var i = 0; i < 64; i++) file.Write(new byte[64 << 10]);
            file.Commit();
        });
        Assert.Contains("the disk is full", full.Message, StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
        Assert.Equal("the old file", File.ReadAllText(path));
        Assert.Throws<LowRankException>(() =>
        {
            using var target = AtomicFolder.Create(Path.Combine(folder, "checkpoint-1"));
            for (var i = 0; i < 64; i++) target.Write($"{i}.bin", new byte[64 << 10]);
            target.Commit();
        });
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
    }

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            process.WaitForExit();
            TestContext.Current.TestOutputHelper?.WriteLine(output.Result + error.Result);
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1; // there is no such program
        }
    }
}
