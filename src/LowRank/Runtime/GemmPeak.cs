using System.Diagnostics;
using TorchSharp;

namespace LowRank.Runtime;

/// <summary>
/// The speed of libtorch's matrix product on this processor, the yardstick of every speed that LowRank prints: best of 7 products of two
/// 2048×2048 matrices on libtorch's threads, after one more to warm up. A dtype that the processor computes so slowly that one such product would take
/// seconds (bf16 without AVX-512 or AMX: about 1 GFLOP/s) is measured on 16 rows.
/// </summary>
public static class GemmPeak
{
    private const int Size = 2048;
    private const int Repetitions = 7;

    // A quarter of the product and fewer of them: a plan says hours, for which a few percent are nothing and a second of waiting much.
    private const int EstimateRows = 512;
    private const int EstimateRepetitions = 3;

    private const int ProbeRows = 16;
    private const int ProbeRepetitions = 3;

    /// <summary>Below this rate one product of the full size takes more than four seconds.</summary>
    private const double SlowGflops = 4;

    /// <summary>Measures it; takes about a second on two cores.</summary>
    /// <param name="type"><see cref="torch.ScalarType.Float32"/> or <see cref="torch.ScalarType.BFloat16"/>.</param>
    /// <returns>10⁹ floating-point operations per second; a multiply-add counts as two.</returns>
    public static double MeasureGflops(torch.ScalarType type) => MeasureGflops(type, torch.CPU);

    /// <summary>Measures it on a device.</summary>
    /// <param name="type"><see cref="torch.ScalarType.Float32"/> or <see cref="torch.ScalarType.BFloat16"/>.</param>
    /// <param name="device">The device.</param>
    /// <returns>10⁹ floating-point operations per second; a multiply-add counts as two.</returns>
    public static double MeasureGflops(torch.ScalarType type, torch.Device device)
    {
        NativeRuntime.Load();
        using var noGrad = torch.no_grad();
        var probed = Measure(type, device, ProbeRows, ProbeRepetitions);
        return probed < SlowGflops ? probed : Measure(type, device, Size, Repetitions);
    }

    /// <summary>The fp32 speed to a few percent, in a fifth of a second: what a plan needs.</summary>
    internal static double EstimateGflops()
    {
        NativeRuntime.Load();
        using var noGrad = torch.no_grad();
        return Measure(torch.ScalarType.Float32, torch.CPU, EstimateRows, EstimateRepetitions);
    }

    /// <summary>The mean speed of the same products instead of the best: what a machine that others use gives over some time.</summary>
    /// <param name="type">As in <see cref="MeasureGflops(torch.ScalarType, torch.Device)"/>.</param>
    /// <param name="device">The device.</param>
    /// <returns>The operations of all products and the seconds that they took.</returns>
    internal static (double Operations, double Seconds) MeasureMean(torch.ScalarType type, torch.Device device)
    {
        using var noGrad = torch.no_grad();
        var times = Times(type, device, Size, Repetitions);
        return (times.Count * Operations(Size), times.Sum());
    }

    private static double Measure(torch.ScalarType type, torch.Device device, int rows, int repetitions) => Operations(rows) / Times(type, device, rows, repetitions).Min() / 1e9;

    private static double Operations(int rows) => 2.0 * rows * Size * Size;

    private static List<double> Times(torch.ScalarType type, torch.Device device, int rows, int repetitions)
    {
        using var scope = torch.NewDisposeScope();
        var right = torch.linspace(-1, 1, Size * Size, dtype: torch.ScalarType.Float32).reshape(Size, Size).to(type).to(device);
        var left = right.t().contiguous().narrow(0, 0, rows);
        torch.mm(left, right).Dispose();
        if (device.type == DeviceType.CUDA) torch.cuda.synchronize(device);
        var times = new List<double>();
        for (var i = 0; i < repetitions; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var product = torch.mm(left, right);
            if (device.type == DeviceType.CUDA) torch.cuda.synchronize(device);
            var elapsed = Stopwatch.GetElapsedTime(start);
            product.Dispose();
            times.Add(elapsed.TotalSeconds);
        }
        return times;
    }
}
