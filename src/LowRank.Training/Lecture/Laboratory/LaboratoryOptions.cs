namespace LowRank.Training.Lecture.Laboratory;

/// <summary>On what, and how long, claims are computed.</summary>
internal sealed record LaboratoryOptions
{
    /// <summary>A folder, a .gguf file or a hub id; null for the tiny model that comes with the program, and its data.</summary>
    public string? Model { get; init; }

    /// <summary>Optimizer steps of a run. Default null: 90 with the tiny model, 12 with another.</summary>
    public int? Steps { get; init; }

    /// <summary>Threads of the tensor library. Default null: one with the tiny model, whose products are too small to share; all processors with another.</summary>
    public int? Threads { get; init; }
}
