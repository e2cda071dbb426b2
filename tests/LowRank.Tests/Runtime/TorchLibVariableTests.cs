using LowRank.Runtime;

namespace LowRank.Tests.Runtime;

/// <summary>What LOWRANK_TORCH_LIB does, over a folder that looks like a Python install's <c>torch/lib</c> (links to the package's files).</summary>
public sealed class TorchLibVariableTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("lowrank-torch-").FullName;

    private string Lib => Path.Combine(root, "torch", "lib");

    [Fact]
    public async Task Libtorch_comes_from_there_and_is_mapped_once()
    {
        Install("__version__ = '2.10.0+cpu'\n");
        var (exit, output) = await ChildProcess.Load(null, ("LOWRANK_TORCH_LIB", Lib));
        Assert.True(exit == 0, output);
        Assert.Contains($"LibTorchFolder = {Lib}", output, StringComparison.Ordinal);
        Assert.Contains("LibTorchSource = LOWRANK_TORCH_LIB", output, StringComparison.Ordinal);
        Assert.Contains("sum 64", output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n'), line => line.StartsWith("mapped ", StringComparison.Ordinal) || !OperatingSystem.IsLinux());
    }

    [Theory]
    [InlineData("__version__ = '2.13.0+cu130'\ndebug = False\n", "2.13.0")]
    [InlineData("from typing import Optional\n__version__ = '2.9.1'\n", "2.9.1")]
    public async Task A_version_that_does_not_work_is_refused(string versionFile, string version)
    {
        Install(versionFile);
        var (exit, output) = await ChildProcess.Load(null, ("LOWRANK_TORCH_LIB", Lib));
        Assert.Equal(3, exit);
        Assert.Contains($"is version {version}. TorchSharp 0.107.0 works over 2.10 and 2.11 only", output, StringComparison.Ordinal);
        Assert.Contains(Lib, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_libtorch_is_an_error_that_names_the_files()
    {
        Directory.CreateDirectory(Lib);
        var (exit, output) = await ChildProcess.Load(null, ("LOWRANK_TORCH_LIB", Lib));
        Assert.Equal(3, exit);
        Assert.Contains($"LOWRANK_TORCH_LIB is {Lib}, which lacks {NativeFileNames.C10}, {NativeFileNames.TorchCpu}, {NativeFileNames.Torch}.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_does_not_exist_is_an_error()
    {
        var (exit, output) = await ChildProcess.Load(null, ("LOWRANK_TORCH_LIB", Lib));
        Assert.Equal(3, exit);
        Assert.Contains($"LOWRANK_TORCH_LIB is {Lib}, which does not exist.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_library_is_an_error_with_the_system_s_reason()
    {
        Install("__version__ = '2.10.0'\n");
        var c10 = Path.Combine(Lib, NativeFileNames.C10);
        File.Delete(c10);
        await File.WriteAllTextAsync(c10, "not a library", TestContext.Current.CancellationToken);
        var (exit, output) = await ChildProcess.Load(null, ("LOWRANK_TORCH_LIB", Lib));
        Assert.Equal(3, exit);
        Assert.Contains($"{c10} does not load. The system says: ", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private void Install(string versionFile)
    {
        Directory.CreateDirectory(Lib);
        foreach (var file in Directory.GetFiles(NativeRuntime.Load().LibTorchFolder))
            File.CreateSymbolicLink(Path.Combine(Lib, Path.GetFileName(file)), file);
        File.WriteAllText(Path.Combine(root, "torch", "version.py"), versionFile);
    }
}
