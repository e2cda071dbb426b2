using System.Diagnostics;
using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Runtime.ComputeTypes;

/// <summary>Times the products of frozen weights as a model's layers compute them, forward and backward, in both dtypes in turns.</summary>
internal static class ProductTimer
{
    // As many as a small batch has; more make neither dtype relatively faster.
    private const int Rows = 512;

    private const int Repetitions = 4;

    /// <summary>Measures it; takes some tenths of a second for layers of 10 million weights.</summary>
    /// <param name="shapes">Rows and columns of the weights of a layer.</param>
    public static ProductSpeeds Measure(IReadOnlyList<(long Out, long In)> shapes)
    {
        NativeRuntime.Load();
        using var noGrad = no_grad();
        var (fp32, bf16, operations) = (0.0, 0.0, 0.0);
        foreach (var group in shapes.GroupBy(s => s))
        {
            using var scope = NewDisposeScope();
            var (outFeatures, inFeatures) = group.Key;
            using var weight = new DenseWeight(Values(outFeatures, inFeatures).to(ScalarType.BFloat16));
            var (x, dy) = (Values(Rows, inFeatures), Values(Rows, outFeatures));
            double[] best = [double.MaxValue, double.MaxValue];
            for (var i = 0; i <= Repetitions; i++)
            {
                for (var type = 0; type < best.Length; type++)
                {
                    weight.ProductType = type == 0 ? ScalarType.Float32 : ScalarType.BFloat16;
                    var start = Stopwatch.GetTimestamp();
                    using (weight.Product(x)) { }
                    using (weight.ProductBackward(dy)) { }
                    // The first one warms up.
                    if (i > 0) best[type] = Math.Min(best[type], Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
            }
            fp32 += group.Count() * best[0];
            bf16 += group.Count() * best[1];
            operations += group.Count() * 4.0 * Rows * outFeatures * inFeatures;
        }
        return new(operations / fp32 / 1e9, operations / bf16 / 1e9);
    }

    private static Tensor Values(long rows, long columns) => linspace(-1, 1, rows * columns, ScalarType.Float32).view(rows, columns);
}
