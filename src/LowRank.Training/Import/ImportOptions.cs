namespace LowRank.Training.Import;

/// <summary>How settings are imported.</summary>
internal sealed record ImportOptions
{
    /// <summary>The tool; null recognises it by the keys.</summary>
    public SourceTool? From { get; init; }

    /// <summary>The training data, instead of what the file names; null for that.</summary>
    public string? Data { get; init; }

    /// <summary>Keys that are left out knowingly.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];
}
