namespace LowRank.Training.Objectives.Preferences;

/// <summary>The logistic function, without overflow far from zero.</summary>
internal static class Logistic
{
    /// <summary>σ(x) = 1 / (1 + e⁻ˣ).</summary>
    public static double Sigmoid(double x)
    {
        var e = Math.Exp(-Math.Abs(x));
        return x >= 0 ? 1 / (1 + e) : e / (1 + e);
    }

    /// <summary>log σ(x).</summary>
    public static double LogSigmoid(double x) => Math.Min(x, 0) - double.LogP1(Math.Exp(-Math.Abs(x)));
}
