namespace LowRank.Training.Lecture;

/// <summary>The one rule behind all verdicts, and their names.</summary>
internal static class ClaimVerdicts
{
    /// <summary>The verdict on a claim.</summary>
    /// <param name="holds">Whether what the claim is about can be seen in the figures at all.</param>
    /// <param name="exactly">Whether it also holds word for word, with the lecture's numbers.</param>
    public static ClaimVerdict Of(bool holds, bool exactly) => !holds ? ClaimVerdict.NotReproduced : exactly ? ClaimVerdict.Reproduced : ClaimVerdict.Refined;

    /// <summary>Whether two numbers are as equal as a share of the second allows.</summary>
    public static bool IsNear(this double value, double expected, double share) => Math.Abs(value - expected) <= share * Math.Abs(expected);

    /// <summary>The name in JSON and in the claims file: <c>not-reproduced</c>.</summary>
    public static string Name(this ClaimVerdict verdict) => verdict switch
    {
        ClaimVerdict.Reproduced => "reproduced",
        ClaimVerdict.Refined => "refined",
        ClaimVerdict.NotReproduced => "not-reproduced",
        _ => "open",
    };
}
