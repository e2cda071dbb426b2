namespace LowRank.Training.Import;

/// <summary>A key that changes what is learned and has no counterpart: it is refused unless it does nothing.</summary>
/// <param name="Reason">Why, and what to do.</param>
/// <param name="Harmless">The values, as text, with which it does nothing. Null, false and what is empty never do anything.</param>
internal sealed record RefusedKey(string Reason, params string[] Harmless)
{
    /// <summary>Whether a value does nothing.</summary>
    public bool IsHarmless(SourceValue value) => value.IsNothing || value.Flag == false
        || value.Text is { } text && Harmless.Any(h => h == text || value.Number is { } number && double.TryParse(h, System.Globalization.CultureInfo.InvariantCulture, out var same) && number == same);
}
