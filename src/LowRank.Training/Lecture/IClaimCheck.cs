namespace LowRank.Training.Lecture;

/// <summary>
/// Computes one claim of the lecture. Measuring and judging are apart: the verdict is a function of the figures alone, so that it can be seen to change with them.
/// </summary>
internal interface IClaimCheck
{
    /// <summary>The claim, such as <c>P1</c>.</summary>
    string Id { get; }

    /// <summary>Computes or trains what the claim is about.</summary>
    /// <param name="laboratory">The model, the data, and the runs that claims share.</param>
    Figures Measure(Laboratory.LectureLaboratory laboratory);

    /// <summary>What the figures say of the claim.</summary>
    ClaimVerdict Judge(Figures figures);
}
