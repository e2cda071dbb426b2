namespace LowRank.Training.Guards;

/// <summary>A mistake that a guard found.</summary>
/// <param name="What">What is wrong, with the numbers.</param>
/// <param name="Why">Why that is a mistake: what the lecture or a paper says.</param>
/// <param name="Do">What to do about it.</param>
internal sealed record GuardFinding(string What, string Why, string Do)
{
    /// <summary>Whether the run must not begin with it.</summary>
    public bool IsError { get; init; }

    /// <summary>The three sentences.</summary>
    public string Message => $"{What} {Why} {Do}";

    /// <summary>A learning rate as it is written on the command line, such as 2e-4.</summary>
    public static string Rate(double rate) => rate == 0 ? "0" : rate.ToString("0.##e-0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Text with numbers as they are written everywhere.</summary>
    public static string Text(FormattableString text) => FormattableString.Invariant(text);
}
