namespace LowRank.Training.Planning;

/// <summary>The memory of a run at its peak, by part. The parts add up to the total.</summary>
public sealed record MemoryPlan
{
    /// <summary>The process itself.</summary>
    public required MemoryPart Runtime { get; init; }

    /// <summary>The model's weights, frozen or trained.</summary>
    public required MemoryPart Base { get; init; }

    /// <summary>The adapter's parameters and copies of modules that are trained whole.</summary>
    public required MemoryPart Adapter { get; init; }

    /// <summary>Gradients of what is trained.</summary>
    public required MemoryPart Gradients { get; init; }

    /// <summary>Moments of the optimizer, and master weights where there are any.</summary>
    public required MemoryPart Optimizer { get; init; }

    /// <summary>What the forward pass keeps for the backward pass.</summary>
    public required MemoryPart Activations { get; init; }

    /// <summary>A chunk of logits.</summary>
    public required MemoryPart Logits { get; init; }

    /// <summary>Intermediate results of the backward pass, as far as they need more than the logits, which are gone by then.</summary>
    public required MemoryPart Workspace { get; init; }

    /// <summary>Bytes of the optimizer's state that lie in a mapped file and leave memory when it runs short.</summary>
    public long PagedBytes { get; init; }

    /// <summary>The parts with their names, in the order of tables.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<(string Name, MemoryPart Part)> Parts =>
    [
        ("runtime", Runtime), ("base", Base), ("adapter", Adapter), ("gradients", Gradients), ("optimizer", Optimizer),
        ("activations", Activations), ("logits", Logits), ("workspace", Workspace),
    ];

    /// <summary>All parts together, in bytes.</summary>
    public long Total => Parts.Sum(p => p.Part.Bytes);

    /// <summary>What must be there: the total without what can leave.</summary>
    public long Needed => Total - PagedBytes;

    /// <summary>What stays whatever batch goes through: all but activations, logits and workspace.</summary>
    public long FixedBytes => Runtime.Bytes + Base.Bytes + Adapter.Bytes + Gradients.Bytes + Optimizer.Bytes;
}
