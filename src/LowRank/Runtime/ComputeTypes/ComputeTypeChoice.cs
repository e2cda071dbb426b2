using System.Globalization;
using LowRank.Kernels.Cpu.Gemm;
using LowRank.Runtime.Cuda;
using TorchSharp;

namespace LowRank.Runtime.ComputeTypes;

/// <summary>
/// The dtype in which a model's products are computed: the faster of fp32 and bf16 on this processor at the model's sizes, measured once and kept. Which one that is
/// differs by processor: a Xeon of two generations ago has fp32 products of 250 GFLOP/s and bf16 ones of 168, an EPYC 9004 has 180 and 410.
/// </summary>
/// <param name="Type">fp32 or bf16; fp16 on a GPU without units for bf16.</param>
/// <param name="Reason">Why, for a reader.</param>
public sealed record ComputeTypeChoice(torch.ScalarType Type, string Reason)
{
    /// <summary>bf16 must be faster by this factor: rounding is not worth less.</summary>
    private const double WorthRounding = 1.1;

    /// <summary>A layer of fewer weights is computed so fast that rounding its inputs takes as long.</summary>
    private const long LeastWeights = 1L << 20;

    private static readonly ComputeTypeChoice Plain = new(torch.ScalarType.Float32, "fp32: this processor has no instructions for bf16 products");

    // Ampere, and Volta.
    private const int FirstWithBf16 = 8;
    private const int FirstWithFp16 = 7;

    /// <summary>The name that settings have for it: fp32, bf16 or fp16.</summary>
    public string Name => NameOf(Type);

    /// <summary>The dtype that settings call fp32, bf16 or fp16; null is fp32.</summary>
    internal static torch.ScalarType TypeOf(string? name) => name switch { "bf16" => torch.ScalarType.BFloat16, "fp16" => torch.ScalarType.Float16, _ => torch.ScalarType.Float32 };

    /// <summary>The name of a dtype of products.</summary>
    internal static string NameOf(torch.ScalarType type) => type switch { torch.ScalarType.BFloat16 => "bf16", torch.ScalarType.Float16 => "fp16", _ => "fp32" };

    /// <summary>Chooses for a model.</summary>
    /// <param name="shapes">Rows and columns of the weights of a layer.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="device">Where it computes; the processor by default. On a GPU the answer is whether it has units for bf16.</param>
    public static ComputeTypeChoice For(IReadOnlyList<(long Out, long In)> shapes, int threads, torch.Device? device = null)
    {
        if (OfAnyModel(device ?? torch.CPU) is { } known) return known;
        return For(shapes, threads, ProcessorInfo.Read(), new SpeedFile(Path.Combine(NativePlaces.UserFolder, "speed")), () =>
        {
            torch.set_num_threads(threads);
            return ProductTimer.Measure(shapes);
        });
    }

    /// <summary>The choice where it does not depend on the model: on a GPU, and on a processor without units for bf16; else null.</summary>
    /// <param name="device">Where it computes.</param>
    internal static ComputeTypeChoice? OfAnyModel(torch.Device device) =>
        device.type != DeviceType.CPU ? OfGpu(CudaDriver.Instance.Capability(Math.Max(0, device.index))) : MayBeFaster(ProcessorInfo.Read()) ? null : Plain;

    /// <summary>Of a GPU by its compute capability.</summary>
    internal static ComputeTypeChoice OfGpu((int Major, int Minor) capability) => capability.Major switch
    {
        >= FirstWithBf16 => new(torch.ScalarType.BFloat16, FormattableString.Invariant($"bf16: a GPU of compute capability {capability.Major}.{capability.Minor} has units for it")),
        >= FirstWithFp16 => new(torch.ScalarType.Float16, FormattableString.Invariant($"fp16: a GPU of compute capability {capability.Major}.{capability.Minor} has units for it, and none for bf16, which begin with {FirstWithBf16}.0")),
        _ => new(torch.ScalarType.Float32, FormattableString.Invariant($"fp32: a GPU of compute capability {capability.Major}.{capability.Minor} has no units for products in 16 bits, which begin with {FirstWithFp16}.0")),
    };

    /// <summary>With a processor, a place and a measurement of a test's making.</summary>
    internal static ComputeTypeChoice For(IReadOnlyList<(long Out, long In)> shapes, int threads, ProcessorInfo processor, SpeedFile file, Func<ProductSpeeds> measure)
    {
        if (!MayBeFaster(processor)) return Plain;
        if (shapes.Sum(s => s.Out * s.In) < LeastWeights) return new(torch.ScalarType.Float32, "fp32: the model is too small for bf16 products to be faster");
        var question = string.Join("; ", processor.Name, string.Join(' ', processor.Extensions), $"libtorch {NativeRuntime.Load().LibTorchVersion}", GemmChoice.IsOwn ? "own product" : "library",
            $"{threads} threads", string.Join(' ', shapes.Select(s => $"{s.Out}x{s.In}")));
        var known = file.Find(question);
        var speeds = known ?? measure();
        var problem = known is null ? file.Keep(question, speeds) : null;
        var faster = speeds.Bf16Gflops >= WorthRounding * speeds.Fp32Gflops;
        var reason = string.Create(CultureInfo.InvariantCulture, $"{(faster ? "bf16" : "fp32")}: products of this model's sizes run at {speeds.Fp32Gflops:0} GFLOP/s in fp32 and {speeds.Bf16Gflops:0} in bf16 here");
        if (problem is not null) reason += $" (measured again at the next start: {problem})";
        return new(faster ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32, reason);
    }

    /// <summary>Whether bf16 products can be the faster ones: elsewhere libtorch computes them a hundred times as slowly, and measuring would take seconds.</summary>
    internal static bool MayBeFaster(ProcessorInfo processor) => processor.Extensions.Any(e => e is "AVX512_BF16" or "AMX_BF16");
}
