namespace LowRank.Training.Planning;

/// <summary>Chooses how many layers compute their activations again: none while memory is plentiful, because each costs a third more time.</summary>
internal static class Checkpointing
{
    /// <summary>The number of layers, and the plan with it.</summary>
    /// <param name="setting">auto, none or full.</param>
    /// <param name="planner">Plans the run for a number of checkpointed layers.</param>
    /// <param name="budget">The memory that there is.</param>
    /// <param name="choices">Receives the choice with its reason.</param>
    public static (int Layers, MemoryPlan Plan) Choose(string setting, RunPlanner planner, MemoryBudget budget, List<string> choices)
    {
        var layers = planner.Layers;
        if (setting != "auto") return setting == "full" ? (layers, planner.Plan(layers)) : (0, planner.Plan(0));
        var usable = budget.Usable;
        // More layers never need more memory: the smallest number that fits is found by halving.
        var (low, high) = (0, layers);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (planner.Plan(middle).Needed <= usable) high = middle;
            else low = middle + 1;
        }
        choices.Add(low == 0 ? "checkpointing none: all activations fit in 80 % of the memory"
            : $"checkpointing of {low} of {layers} layers: with fewer the run would need more than 80 % of the memory ({MemorySize.Gigabytes(usable)})");
        return (low, planner.Plan(low));
    }
}
