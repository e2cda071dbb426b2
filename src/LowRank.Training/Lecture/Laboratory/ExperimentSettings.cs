namespace LowRank.Training.Lecture.Laboratory;

/// <summary>What is varied between runs. Equal settings are one run, whichever claims ask for it.</summary>
internal sealed record ExperimentSettings
{
    /// <summary>lora, qlora or full.</summary>
    public string Method { get; init; } = "lora";

    /// <summary>The kind of adapter: lora, dora or adalora, whose rank is what is left on average.</summary>
    public string Variant { get; init; } = "lora";

    /// <summary>The rank.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>Alpha; null for the rank.</summary>
    public double? Alpha { get; init; }

    /// <summary>The modules to adapt.</summary>
    public string Target { get; init; } = "all-linear";

    /// <summary>Only the first rows of the data; null for all.</summary>
    public int? Rows { get; init; }

    /// <summary>Steps; null for the laboratory's.</summary>
    public int? Steps { get; init; }

    /// <summary>Learning rate of B over that of A (LoRA+); null for one rate.</summary>
    public double? PlusRatio { get; init; }

    /// <summary>The peak learning rate; null for the method's.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Whether all layers' activations are made again in the backward pass.</summary>
    public bool IsCheckpointed { get; init; }
}
