using System.Diagnostics;
using System.Globalization;
using LowRank.Formats;
using LowRank.Kernels.Cpu;
using LowRank.Quantization;
using LowRank.Runtime;
using LowRank.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Kernels;

/// <summary>
/// The speed of 4-bit kernels, and of products with stored weights against the fp32 product. A busy machine says little of either, so they run with
/// <c>LOWRANK_SOAK=1</c> and judge only what would be a fault: half of the aim.
/// </summary>
[Trait("Category", "Speed"), Collection(nameof(NativeTensors))]
public sealed unsafe class FourBitSpeedTests(ITestOutputHelper output)
{
    private const int Count = 1 << 20;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(3);

    [Fact]
    public void Codes_of_one_thread()
    {
        Require();
        var x = FourBitSamples.Normal(Count, 1);
        var (packed, back) = (new byte[Count / 2], new float[1 << 14]);
        fixed (float* px = x, pb = back, table = FourBitKernelTests.Table(FourBitCode.Nf4))
        fixed (byte* pp = packed)
        {
            float* from = px, to = pb, values = table;
            var codes = pp;
            foreach (var path in Enum.GetValues<VectorPath>())
            {
                if (!VectorPaths.IsSupported(path)) continue;
                var encode = Seconds(20, () => { for (var i = 0; i < Count; i += 64) FourBitEncode.Run(path, from + i, 64, 8, FourBitCode.Nf4, codes + i / 2); });
                var decode = Seconds(20, () => { for (var i = 0; i < Count; i += 64) FourBitDecode.Run(path, codes + i / 2, 64, values, 0.1f, to + (i & 0x3FFF)); });
                Write($"{path}: encode {Count / encode / 1e9:f2}, decode {Count / decode / 1e9:f2} G elements/s on one thread");
            }
        }
    }

    [Fact]
    public void Quantizing_bf16()
    {
        Require();
        double seconds;
        fixed (byte* p = FourBitSamples.Narrow(FourBitSamples.Normal(Count, 2), TensorType.BF16))
        {
            var data = p;
            seconds = Seconds(100, () => FourBitWeight.Quantize(data, TensorType.BF16, 1024, Count / 1024, new(), "w").Dispose());
        }
        Write($"bf16 to nf4 with double quantization: {Count / seconds / 1e9:f2} G parameters/s");
        Assert.True(Count / seconds > 0.5e9, $"{Count / seconds / 1e9:f2} G parameters/s; the aim is 1");
    }

    [Theory]
    [InlineData(576, 576, 128), InlineData(1536, 576, 512), InlineData(576, 1536, 2048)]
    public void Products_against_fp32(int outFeatures, int inFeatures, int rows)
    {
        Require();
        using var scope = NewDisposeScope();
        using var fourBit = FourBitSamples.Weight(outFeatures, inFeatures, new());
        var dense = fourBit.Dequantize(0, outFeatures);
        using var bf16 = new DenseWeight(dense.to(ScalarType.BFloat16));
        var (x, dy) = (randn(rows, inFeatures), randn(rows, outFeatures));
        double[] best = [.. Enumerable.Repeat(double.MaxValue, 6)];
        Func<Tensor>[] products =
        [
            () => nn.functional.linear(x, dense), () => fourBit.Linear(x), () => bf16.Linear(x), () => dy.mm(dense), () => fourBit.LinearBackward(dy), () => bf16.LinearBackward(dy),
        ];
        // In turns, so that what else the machine does meets all of them; long enough that the runtime has compiled the kernels with optimization, which takes it some tenths of a second.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Measured;)
            for (var i = 0; i < products.Length; i++) best[i] = Math.Min(best[i], Seconds(1, () => products[i]().Dispose()));
        Write($"[{outFeatures}, {inFeatures}] times {rows} rows, share of the fp32 product's speed: nf4 {best[0] / best[1]:p0} forward, {best[3] / best[4]:p0} backward; bf16 {best[0] / best[2]:p0}, {best[3] / best[5]:p0}; fp32 {2e-9 * rows * outFeatures * inFeatures / best[0]:f0} GFLOP/s");
        Assert.True(best[0] / best[1] > 0.5 && best[3] / best[4] > 0.5, "a 4-bit product takes more than twice the time of the fp32 one");
    }

    [Theory, InlineData(1), InlineData(8)]
    public void A_few_rows_against_the_bandwidth_of_memory(int rows)
    {
        Require();
        using var scope = NewDisposeScope();
        // As many weights as no cache holds.
        var x = randn(rows, 576);
        using var fourBit = FourBitSamples.Weight(1536, 576, new());
        var dense = fourBit.Dequantize(0, 1536).to(ScalarType.BFloat16);
        FrozenWeight[] stored = [.. Enumerable.Range(0, 128).Select(_ => (FrozenWeight)new DenseWeight(dense.clone()))];
        FrozenWeight[] packed = [.. Enumerable.Range(0, 256).Select(_ => (FrozenWeight)FourBitSamples.Weight(1536, 576, new()))];
        var read = ReadBandwidth.MeasureBytesPerSecond();
        foreach (var (name, weights) in new[] { ("bf16", stored), ("nf4", packed) })
        {
            var best = double.MaxValue;
            for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Measured;)
                best = Math.Min(best, Seconds(1, () => { foreach (var w in weights) w.Linear(x).Dispose(); }));
            Write($"{name}, {rows} rows: {weights.Sum(w => w.StoredBytes) / best / 1e9:f1} of {read / 1e9:f1} GB/s");
            foreach (var w in weights) w.Dispose();
        }
    }

    private static void Require() => Assert.SkipUnless(Environment.GetEnvironmentVariable("LOWRANK_SOAK") == "1", "measures only with LOWRANK_SOAK=1");

    private static double Seconds(int rounds, Action work)
    {
        var best = double.MaxValue;
        for (var round = 0; round < rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private void Write(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
