using System.Text.RegularExpressions;
using LowRank.Kernels.Cuda;
using LowRank.Runtime;
using LowRank.Runtime.Cuda;

namespace LowRank.Tests.Kernels.Cuda;

/// <summary>The kernels compile with NVRTC, which needs no GPU; skipped with the reason where there is none (<c>LOWRANK_NVRTC</c> may name it).</summary>
public sealed class KernelImageTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"lowrank-image-{Guid.NewGuid():N}");

    [Theory, InlineData(7, 5), InlineData(8, 0), InlineData(8, 9), InlineData(9, 0), InlineData(12, 9)]
    public void The_kernels_compile_and_are_kept(int major, int minor)
    {
        var compiler = Compiler();
        var compiled = KernelImage.For(compiler, (major, minor), folder);
        TestContext.Current.TestOutputHelper?.WriteLine($"{compiled.Origin}: {compiled.Bytes.Length} bytes");
        // Machine code is an ELF file; for a GPU newer than the compiler it is the text of PTX.
        Assert.True(compiled.Bytes.AsSpan().StartsWith("\u007fELF"u8) || compiled.Bytes.AsSpan().IndexOf(".version"u8) >= 0);
        var names = Regex.Matches(KernelImage.Source, @"__global__ void __launch_bounds__\(THREADS\) (\w+)\(", RegexOptions.None, TimeSpan.FromSeconds(5));
        Assert.True(names.Count > 3);
        foreach (Match name in names)
            if (!name.Value.Contains("name(", StringComparison.Ordinal) && !name.Groups[1].Value.EndsWith('_')) Assert.True(compiled.Bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(name.Groups[1].Value)) >= 0, name.Value);

        var again = KernelImage.For(compiler, (major, minor), folder);
        Assert.Equal(compiled.Bytes, again.Bytes);
        Assert.StartsWith("compiled earlier", again.Origin, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_cache_that_cannot_be_written_is_told_and_does_no_harm()
    {
        var compiler = Compiler();
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "a-file");
        File.WriteAllText(file, "");
        var image = KernelImage.For(compiler, (8, 0), file);
        Assert.NotEmpty(image.Bytes);
        Assert.Contains("cannot be written", image.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_that_does_not_compile_shows_the_compilers_words()
    {
        var error = Assert.Throws<CudaException>(() => Compiler().Compile("extern \"C\" __global__ void f() { undeclared = 1; }", ["--gpu-architecture=sm_80"]));
        Assert.Contains("undeclared", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_name_in_the_cache_depends_on_all_that_the_bytes_depend_on()
    {
        string[] options = ["--gpu-architecture=sm_80", "--fmad=false"];
        var name = KernelImage.FileName(new Version(12, 8), options);
        Assert.EndsWith(".cubin", name, StringComparison.Ordinal);
        Assert.Equal(name, KernelImage.FileName(new Version(12, 8), options));
        Assert.NotEqual(name, KernelImage.FileName(new Version(12, 9), options));
        Assert.NotEqual(name, KernelImage.FileName(new Version(12, 8), ["--gpu-architecture=sm_90", "--fmad=false"]));
        Assert.EndsWith(".ptx", KernelImage.FileName(new Version(12, 8), ["--gpu-architecture=compute_90"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_compiler_the_message_says_where_it_was_looked_for()
    {
        var before = Environment.GetEnvironmentVariable(NvrtcPlaces.Variable);
        Environment.SetEnvironmentVariable(NvrtcPlaces.Variable, Path.Combine(folder, "none.so"));
        try
        {
            Assert.Contains(NvrtcPlaces.Variable, Assert.Throws<CudaException>(() => Nvrtc.Load(folder)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable(NvrtcPlaces.Variable, before);
        }
    }

    [Fact]
    public void It_is_looked_for_beside_libtorch_and_in_the_packages_next_to_it()
    {
        var (torch, package) = (Path.Combine(folder, "torch", "lib"), Path.Combine(folder, "nvidia", "cuda_nvrtc", "lib"));
        Directory.CreateDirectory(torch);
        Directory.CreateDirectory(package);
        string[] files = OperatingSystem.IsWindows() ? ["nvrtc64_120_0.dll", "nvrtc-builtins64_128.dll"] : ["libnvrtc.so.12", "libnvrtc-builtins.so.12.8"];
        foreach (var name in files) File.WriteAllText(Path.Combine(package, name), "");
        Assert.SkipUnless(Environment.GetEnvironmentVariable(NvrtcPlaces.Variable) is null, $"{NvrtcPlaces.Variable} is set");
        var places = NvrtcPlaces.All(torch).ToList();
        Assert.Equal(Path.Combine(package, files[0]), places[0]);
        Assert.DoesNotContain(places, p => p.Contains("builtins", StringComparison.Ordinal));
        Assert.Equal([Path.Combine(package, files[1])], NvrtcPlaces.BuiltinsBeside(places[0]));
    }

    private static Nvrtc Compiler()
    {
        try
        {
            return Nvrtc.Load(NativeRuntime.Load().LibTorchFolder);
        }
        catch (CudaException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
