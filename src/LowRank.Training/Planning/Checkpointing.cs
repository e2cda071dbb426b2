using LowRank.Runtime.Memory;

namespace LowRank.Training.Planning;

/// <summary>Chooses how many layers compute their activations again: none while memory is plentiful, because each costs a third more time.</summary>
internal static class Checkpointing
{
    /// <summary>The share of free memory that a run may use: the rest is headroom (the lecture's rule of 80 %).</summary>
    public const double UsableShare = 0.8;

    /// <summary>The number of layers, and the plan with it.</summary>
    /// <param name="setting">auto, none or full.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="plan">The memory plan for a number of checkpointed layers.</param>
    /// <param name="choices">Receives the choice with its reason.</param>
    public static (int Layers, MemoryPlan Plan) Choose(string setting, int layers, Func<int, MemoryPlan> plan, List<string> choices)
    {
        if (setting != "auto") return setting == "full" ? (layers, plan(layers)) : (0, plan(0));
        // The plan counts the whole process, of which a part is there already.
        var usable = (long)((MachineMemory.Read().UsableBytes + ProcessMemory.Read().ResidentBytes) * UsableShare);
        // More layers never need more memory: the smallest number that fits is found by halving.
        var (low, high) = (0, layers);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (plan(middle).Total <= usable) high = middle;
            else low = middle + 1;
        }
        choices.Add(low == 0 ? "checkpointing none: all activations fit in 80 % of the free memory"
            : $"checkpointing of {low} of {layers} layers: with fewer the run would need more than 80 % of the free memory ({usable / 1e9:f1} GB)");
        return (low, plan(low));
    }
}
