namespace LowRank.Training.Lecture.Content;

/// <summary>A claim of the lecture.</summary>
internal sealed record LectureClaim
{
    /// <summary>Its id, such as <c>P1</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Its chapter.</summary>
    public required string Chapter { get; init; }

    /// <summary>How it is shown: <c>computation</c>, <c>run</c>, <c>recommendation</c>, <c>guard</c> or <c>tool</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The command to try.</summary>
    public required string Command { get; init; }

    /// <summary>What the lecture says, in our words.</summary>
    public required LectureText Says { get; init; }

    /// <summary>What LowRank finds, with placeholders for the figures; null for a claim that nothing computes yet.</summary>
    public LectureText? Finds { get; init; }

    /// <summary>Why what is found differs from what is said, or agrees with it, by the name of the verdict. A verdict without a text of its own takes the common one; null where none has.</summary>
    public IReadOnlyDictionary<string, LectureText>? Why { get; init; }

    /// <summary>The texts of its picture, or null.</summary>
    public PictureText? Picture { get; init; }
}
