namespace LowRank.Training.Data;

/// <summary>What rows of each shape are for.</summary>
internal static class RowObjectives
{
    /// <summary>Why rows of a shape cannot be learned from as answers, and what they need; null where they can.</summary>
    public static string? Refusal(DataFormat format) => format switch
    {
        DataFormat.Preference => "the rows are preferences (chosen, rejected): they need an objective that compares two answers, such as DPO. Training learns answers as they stand; " + Instead + " To learn the better answers alone, map them: --columns prompt=prompt,completion=chosen, with prompts and answers that are texts.",
        DataFormat.Kto => "the rows are judged answers (label true or false): they need the objective KTO. Training learns answers as they stand, the bad ones too; " + Instead + " To learn the good answers alone, keep the rows with \"label\": true and remove the label.",
        _ => null,
    };

    private static string Instead => "expected rows with " + Formats.FormatDetector.Expected + ".";
}
