using LowRank.Runtime;
using LowRank.Runtime.ComputeTypes;
using TorchSharp;

namespace LowRank.Tests.Runtime;

public sealed class ComputeTypeChoiceTests : IDisposable
{
    private static readonly (long Out, long In)[] Layer = [(1024, 1024), (2048, 1024)];

    private static readonly ProcessorInfo WithBf16 = new() { Name = "P", LogicalCores = 2, Extensions = ["AVX2", "AVX512", "AVX512_BF16"] };

    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-speed").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(180, 410, "bf16"), InlineData(250, 168, "fp32"), InlineData(100, 105, "fp32")]
    public void The_faster_dtype_is_taken_unless_it_gains_little(double fp32, double bf16, string want)
    {
        var choice = ComputeTypeChoice.For(Layer, 2, WithBf16, new SpeedFile(folder), () => new(fp32, bf16));
        Assert.Equal(want, choice.Name);
        Assert.Equal(want == "bf16" ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32, choice.Type);
        Assert.Contains($"{fp32} GFLOP/s in fp32 and {bf16} in bf16", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_measured_once_for_each_processor_and_shape()
    {
        var measured = 0;
        ComputeTypeChoice Choose((long, long)[] shapes, int threads, ProcessorInfo processor) => ComputeTypeChoice.For(shapes, threads, processor, new SpeedFile(folder), () => new(100, ++measured == 1 ? 300 : 50));
        Assert.Equal("bf16", Choose(Layer, 2, WithBf16).Name);
        // The load of the machine is another, the choice is not.
        Assert.Equal("bf16", Choose(Layer, 2, WithBf16).Name);
        Assert.Equal(1, measured);
        Assert.Equal("fp32", Choose(Layer, 3, WithBf16).Name);
        Assert.Equal("fp32", Choose([(4096, 1024)], 2, WithBf16).Name);
        Assert.Equal("fp32", Choose(Layer, 2, WithBf16 with { Name = "Q" }).Name);
        Assert.Equal(4, measured);
    }

    [Fact]
    public void What_is_kept_but_broken_is_measured_again()
    {
        ComputeTypeChoice Choose(double bf16) => ComputeTypeChoice.For(Layer, 2, WithBf16, new SpeedFile(folder), () => new(100, bf16));
        Choose(300);
        foreach (var content in new[] { "{", "[]", "{\"question\": 3}", "" })
        {
            File.WriteAllText(Assert.Single(Directory.GetFiles(folder)), content);
            Assert.Equal("fp32", Choose(50).Name);
        }
        Assert.Equal("fp32", Choose(300).Name);
    }

    [Fact]
    public void A_place_that_cannot_be_written_costs_a_measurement_and_is_named()
    {
        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        var choice = ComputeTypeChoice.For(Layer, 2, WithBf16, new SpeedFile(Path.Combine(file, "below")), () => new(100, 300));
        Assert.Equal("bf16", choice.Name);
        Assert.Contains("measured again at the next start", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_measured_where_the_answer_is_known()
    {
        ProductSpeeds Never() => throw new InvalidOperationException("measured");
        Assert.Contains("no instructions", ComputeTypeChoice.For(Layer, 2, WithBf16 with { Extensions = ["AVX2", "AVX512"] }, new SpeedFile(folder), Never).Reason, StringComparison.Ordinal);
        Assert.Contains("too small", ComputeTypeChoice.For([(64, 64)], 2, WithBf16, new SpeedFile(folder), Never).Reason, StringComparison.Ordinal);
    }

    [Theory, InlineData(6, 1, "fp32"), InlineData(7, 0, "fp16"), InlineData(7, 5, "fp16"), InlineData(8, 0, "bf16"), InlineData(9, 0, "bf16")]
    public void A_gpu_takes_bf16_or_else_fp16_where_it_has_units_for_it(int major, int minor, string want) => Assert.Equal(want, ComputeTypeChoice.OfGpu((major, minor)).Name);

    [Fact]
    public void Both_dtypes_are_timed_on_this_processor()
    {
        var speeds = ProductTimer.Measure([(96, 64), (64, 96)]);
        Assert.InRange(speeds.Fp32Gflops, 1e-3, 1e5);
        Assert.InRange(speeds.Bf16Gflops, 1e-3, 1e5);
    }
}
