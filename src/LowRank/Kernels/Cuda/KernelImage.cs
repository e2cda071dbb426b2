using System.IO.Hashing;
using System.Text;
using LowRank.Formats;
using LowRank.Runtime;
using LowRank.Runtime.Cuda;

namespace LowRank.Kernels.Cuda;

/// <summary>The compiled kernels: from the cache where the same source was compiled with the same compiler for the same architecture, else by NVRTC.</summary>
/// <param name="Bytes">cubin or PTX.</param>
/// <param name="Origin">How they came, for <c>doctor</c>.</param>
internal sealed record KernelImage(byte[] Bytes, string Origin)
{
    private const string Resource = "LowRank.Kernels.Cuda.Kernels.cu";

    /// <summary>The options beside that of the architecture; why --fmad=false is at the head of the source.</summary>
    internal static readonly string[] Options = ["--std=c++17", "--fmad=false"];

    /// <summary>The source.</summary>
    public static string Source { get; } = ReadSource();

    /// <summary>Where compiled kernels are kept: <c>kernels</c> in LowRank's cache.</summary>
    public static string CacheFolder => Path.Combine(NativePlaces.UserFolder, "kernels");

    /// <summary>The kernels for a GPU.</summary>
    /// <param name="compiler">NVRTC.</param>
    /// <param name="capability">The GPU's compute capability.</param>
    /// <param name="folder">The cache.</param>
    /// <exception cref="CudaException">They do not compile.</exception>
    public static KernelImage For(Nvrtc compiler, (int Major, int Minor) capability, string folder)
    {
        var architecture = compiler.ArchitectureFor(capability);
        string[] options = [$"--gpu-architecture={architecture}", .. Options];
        var file = Path.Combine(folder, FileName(compiler.Version, options));
        var made = $"NVRTC {compiler.Version} for {architecture}";
        if (File.Exists(file)) return new(File.ReadAllBytes(file), $"compiled earlier by {made}, from {file}");
        var bytes = compiler.Compile(Source, options);
        try
        {
            AtomicFile.WriteAllBytes(file, bytes);
            return new(bytes, $"compiled by {made}, kept in {file}");
        }
        catch (LowRankException error)
        {
            // Compiling takes about a second: a cache that cannot be written is worth a word, not a failure.
            return new(bytes, $"compiled by {made}, at every start because the cache cannot be written: {error.Message}");
        }
    }

    /// <summary>A name that differs wherever the compiled form may differ.</summary>
    internal static string FileName(Version compiler, IEnumerable<string> options)
    {
        var hash = XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(string.Join('\0', [compiler.ToString(), .. options, Source])));
        return $"{hash:x32}{(options.Any(o => o.Contains("compute_", StringComparison.Ordinal)) ? ".ptx" : ".cubin")}";
    }

    private static string ReadSource()
    {
        using var stream = typeof(KernelImage).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"LowRank.dll was built without {Resource}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
