namespace LowRank.Training.Planning;

/// <summary>A run is planned to need more memory than there is. It was refused before the model was loaded.</summary>
public sealed class NotEnoughMemoryException : LowRankException
{
    internal NotEnoughMemoryException(MemoryPlan plan, MemoryBudget budget, IReadOnlyList<string> fitting) : base(Tell(plan, budget, fitting)) =>
        (NeededBytes, AvailableBytes) = (plan.Needed, budget.Bytes);

    /// <summary>Bytes that the run would need.</summary>
    public long NeededBytes { get; }

    /// <summary>Bytes that there are.</summary>
    public long AvailableBytes { get; }

    private static string Tell(MemoryPlan plan, MemoryBudget budget, IReadOnlyList<string> fitting) =>
        $"The run would need {MemorySize.Gigabytes(plan.Needed)} of memory, and there are {MemorySize.Gigabytes(budget.Bytes)} {budget.Origin}: " +
        $"base {MemorySize.Gigabytes(plan.Base.Bytes)}, adapter, gradients and optimizer {MemorySize.Gigabytes(plan.Adapter.Bytes + plan.Gradients.Bytes + plan.Optimizer.Bytes - plan.PagedBytes)}, " +
        $"activations and step {MemorySize.Gigabytes(plan.Activations.Bytes + plan.Logits.Bytes + plan.Workspace.Bytes)}, process {MemorySize.Gigabytes(plan.Runtime.Bytes)}. " +
        (fitting.Count == 0 ? "No change of batch, length, rank or method makes it fit: take a smaller model. " : $"What fits: {string.Join("; ", fitting)}. ") +
        "--force runs it all the same; on a CPU, running out of memory ends the process.";
}
