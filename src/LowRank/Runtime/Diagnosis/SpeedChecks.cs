using System.Globalization;
using LowRank.Runtime.ComputeTypes;
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
        yield return new("compute dtype", $"{ComputeTypeChoice.For(LayerOfHalfABillion, torch.get_num_threads()).Reason}; train and bench choose by each model's own sizes (--dtype)");
    }

    // Qwen2.5-0.5B: the dtype is chosen at the sizes of a layer, and this one is typical of what a processor trains.
    private static (long Out, long In)[] LayerOfHalfABillion => [(896, 896), (128, 896), (128, 896), (896, 896), (4864, 896), (4864, 896), (896, 4864)];

    private static string Gflops(double value) => string.Create(CultureInfo.InvariantCulture, $"{(value < 10 ? Math.Round(value, 2) : Math.Round(value))} GFLOP/s");
}
