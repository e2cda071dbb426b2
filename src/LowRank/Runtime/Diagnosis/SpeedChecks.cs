using System.Globalization;
using TorchSharp;

namespace LowRank.Runtime.Diagnosis;

/// <summary>Speeds of matrix products, and what they say about the compute dtype.</summary>
internal static class SpeedChecks
{
    public static IEnumerable<DoctorCheck> All()
    {
        var fp32 = GemmPeak.MeasureGflops(torch.ScalarType.Float32);
        yield return new("matrix product fp32", Gflops(fp32), Number: fp32);
        var bf16 = GemmPeak.MeasureGflops(torch.ScalarType.BFloat16);
        yield return new("matrix product bf16", Gflops(bf16), Number: bf16);
        yield return new("compute dtype", bf16 > fp32
            ? string.Create(CultureInfo.InvariantCulture, $"fp32 (the default; bf16 products are {bf16 / fp32:0.0} times as fast here)")
            : string.Create(CultureInfo.InvariantCulture, $"fp32 (the default, and {fp32 / bf16:0.0} times as fast as bf16 here)"));
    }

    private static string Gflops(double value) => string.Create(CultureInfo.InvariantCulture, $"{(value < 10 ? Math.Round(value, 2) : Math.Round(value))} GFLOP/s");
}
