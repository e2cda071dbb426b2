using LowRank.Runtime;

namespace LowRank.Tests.Runtime;

public sealed class MissingLibrariesTests : IDisposable
{
    private readonly string empty = Directory.CreateTempSubdirectory("lowrank-empty-").FullName;

    [Fact]
    public async Task The_error_lists_every_place_and_the_packages()
    {
        var (exit, output) = await ChildProcess.Load(empty, ("LOWRANK_TORCH_LIB", null), ("NUGET_PACKAGES", empty), ("LOWRANK_CACHE", empty));
        Assert.Equal(3, exit);
        Assert.Contains("libtorch was not found", output, StringComparison.Ordinal);
        foreach (var place in NativePlaceNames)
            Assert.Contains(place, output, StringComparison.Ordinal);
        Assert.Contains($"libtorch-cpu-{NativeFileNames.Rid} 2.10.0", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_libraries_of_the_packages_folder_are_found_without_the_build_s_place()
    {
        var (exit, output) = await ChildProcess.Load(empty, ("LOWRANK_TORCH_LIB", null), ("LOWRANK_CACHE", empty));
        Assert.SkipWhen(exit == 3 && output.Contains("libtorch was not found", StringComparison.Ordinal), "a published test program: this machine has no NuGet packages folder");
        Assert.True(exit == 0, output);
        Assert.Contains("LibTorchSource = the NuGet packages folder", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_asks_NuGet_and_passes_on_what_it_says()
    {
        // The nearest nuget.config above the generated project names a feed that has nothing.
        Directory.CreateDirectory(Path.Combine(empty, "feed"));
        await File.WriteAllTextAsync(
            Path.Combine(empty, "nuget.config"),
            "<configuration><packageSources><clear /><add key=\"none\" value=\"feed\" /></packageSources></configuration>",
            TestContext.Current.CancellationToken);
        var (exit, output) = await ChildProcess.Load(
            empty, ("LOWRANK_TORCH_LIB", null), ("NUGET_PACKAGES", empty), ("LOWRANK_CACHE", empty), ("LOWRANK_TEST_CHILD_RESTORES", "1"));
        Assert.SkipWhen(output.Contains("does not start", StringComparison.Ordinal), "this machine has no .NET SDK");
        Assert.Equal(3, exit);
        Assert.Contains("First start: fetching libtorch 2.10.0", output, StringComparison.Ordinal);
        Assert.Contains("libtorch could not be fetched through NuGet. It says:", output, StringComparison.Ordinal);
        Assert.Contains($"libtorch-cpu-{NativeFileNames.Rid}", output, StringComparison.Ordinal);
        Assert.Contains("NU1101", output, StringComparison.Ordinal);
        Assert.Contains("or set LOWRANK_TORCH_LIB", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(empty, recursive: true);

    private static string[] NativePlaceNames =>
        ["the program's native folder: ", "the build's native place: ", "the program's runtimes folder: ", "the program's folder: ", "the NuGet packages folder: ", "LowRank's cache: "];
}
