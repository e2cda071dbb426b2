using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>The singular values of a matrix: how many directions it has, and how much lies in the first of them.</summary>
internal static class Spectrum
{
    /// <summary>Singular values, the largest first.</summary>
    /// <param name="matrix">A matrix of any floating type; computed in fp64.</param>
    public static double[] Of(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return linalg.svdvals(matrix.detach().to(ScalarType.Float64)).data<double>().ToArray();
    }

    /// <summary>The share of the matrix's squared Frobenius norm that its best approximation of a rank keeps (Eckart and Young, 1936).</summary>
    public static double Kept(IReadOnlyList<double> values, int rank)
    {
        var all = values.Sum(v => v * v);
        return all == 0 ? 1 : values.Take(rank).Sum(v => v * v) / all;
    }

    /// <summary>The effective rank: e to the entropy of the singular values as shares of their sum (Roy and Vetterli, 2007). k equal values have the effective rank k.</summary>
    public static double EffectiveRank(IReadOnlyList<double> values)
    {
        var sum = values.Sum();
        if (sum == 0) return 0;
        return Math.Exp(-values.Select(v => v / sum).Where(p => p > 0).Sum(p => p * Math.Log(p)));
    }
}
