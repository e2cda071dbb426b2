namespace LowRank.Training.Events;

/// <summary>The run is set up; its first step comes next.</summary>
public sealed record RunStarted : TrainingEvent
{
    /// <summary>Parameters that are trained.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>All parameters, the trained ones included, as PEFT counts them.</summary>
    public required long AllParameters { get; init; }

    /// <summary>Steps that the whole run takes.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Epochs that these are.</summary>
    public required double Epochs { get; init; }

    /// <summary>Examples trained on.</summary>
    public required int Examples { get; init; }

    /// <summary>Examples held out.</summary>
    public required int ValidationExamples { get; init; }

    /// <summary>The peak of resident memory that was expected before the model was loaded, in bytes; null where it was not planned.</summary>
    public long? PredictedPeakBytes { get; init; }

    /// <summary>The first example as pieces of text, each supervised or not.</summary>
    public IReadOnlyList<(string Text, bool Supervised)> FirstExample { get; init; } = [];

    /// <summary>Settings that LowRank chose, each with its reason.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}
