namespace LowRank.Training.Planning;

/// <summary>Memory by part, in bytes.</summary>
public sealed record MemoryPlan
{
    /// <summary>The process itself.</summary>
    public required long Runtime { get; init; }

    /// <summary>Frozen weights.</summary>
    public required long Base { get; init; }

    /// <summary>Trained parameters.</summary>
    public required long Trained { get; init; }

    /// <summary>Their gradients.</summary>
    public required long Gradients { get; init; }

    /// <summary>Moments of the optimizer.</summary>
    public required long Optimizer { get; init; }

    /// <summary>What the forward pass keeps for the backward pass.</summary>
    public required long Activations { get; init; }

    /// <summary>A chunk of logits.</summary>
    public required long Logits { get; init; }

    /// <summary>Intermediate results that live for a moment.</summary>
    public required long Workspace { get; init; }

    /// <summary>All parts together.</summary>
    public long Total => Runtime + Base + Trained + Gradients + Optimizer + Activations + Math.Max(Logits, Workspace);
}
