using LowRank.Training.Events;

namespace LowRank.Training.Quickstart;

/// <summary>The quickstart is over: the adapter is on disk, and was loaded again.</summary>
public sealed record QuickstartCompleted : QuickstartEvent
{
    /// <summary>The folder with the adapter.</summary>
    public required string Folder { get; init; }

    /// <summary>Accuracy on the held-out rows before training, from 0 to 1.</summary>
    public required double AccuracyBefore { get; init; }

    /// <summary>The same after training.</summary>
    public required double AccuracyAfter { get; init; }

    /// <summary>Some questions with their answers.</summary>
    public required IReadOnlyList<QuickstartAnswer> Answers { get; init; }

    /// <summary>Whether a freshly loaded model with the saved adapter answered every held-out row, and the questions of <see cref="Answers"/>, word by word as the trained one.</summary>
    public required bool IsReloadedEqual { get; init; }

    /// <summary>How the training ended, with planned and measured memory.</summary>
    public required RunCompleted Training { get; init; }

    /// <summary>The time of all of it.</summary>
    public required TimeSpan Elapsed { get; init; }
}
