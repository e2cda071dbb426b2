using System.Diagnostics;
using LowRank.Runtime;
using TorchSharp;

namespace LowRank.Tests.Runtime;

public sealed class GemmPeakTests
{
    // Any processor that runs this is between a thousandth of a GFLOP/s (bf16 without instructions for it, on a busy machine) and a hundred TFLOP/s.
    [Theory]
    [InlineData(torch.ScalarType.Float32)]
    [InlineData(torch.ScalarType.BFloat16)]
    public void A_peak_is_of_a_processor_s_size_and_soon_known(torch.ScalarType type)
    {
        var start = Stopwatch.GetTimestamp();
        Assert.InRange(GemmPeak.MeasureGflops(type), 0.001, 100_000);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 60);
    }
}
