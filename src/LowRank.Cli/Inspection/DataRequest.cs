using LowRank.Training.Data;

namespace LowRank.Cli.Inspection;

/// <summary>What of which data is to be shown.</summary>
/// <param name="Data">The data, as a user names it.</param>
/// <param name="Reading">How files are read.</param>
/// <param name="Examples">What is learned, and how much of a row is kept.</param>
internal sealed record DataRequest(string Data, DatasetOptions Reading, ExampleOptions Examples)
{
    /// <summary>Held-out data, or null for that of the folder, if it has some.</summary>
    public string? Validation { get; init; }

    /// <summary>The model whose tokenizer and template are used, or null.</summary>
    public string? Model { get; init; }

    /// <summary>How many rows are shown.</summary>
    public int Rows { get; init; }

    /// <summary>The file into which the lengths are drawn, or null.</summary>
    public string? Picture { get; init; }

    /// <summary>Whether to print JSON.</summary>
    public bool Json { get; init; }
}
