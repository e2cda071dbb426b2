using LowRank.Adapters;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Memory;

/// <summary>Parameters of an adapter by the formula, and as they are there.</summary>
/// <param name="Formula">The sum of in·r + r·out over its modules.</param>
/// <param name="Counted">Elements of its tensors.</param>
/// <param name="All">Those and the base's.</param>
internal sealed record AdapterCount(long Formula, long Counted, long All)
{
    /// <summary>Puts an adapter into the laboratory's model and counts.</summary>
    public static AdapterCount Of(LectureLaboratory laboratory, int rank, string target) => laboratory.Once($"count {rank} {target}", () =>
    {
        using var model = laboratory.Load();
        var adapter = model.Attach(new LoraConfig { Rank = rank, Alpha = rank, TargetModules = ModulePattern.Parse(target) });
        var counted = adapter.Parameters.Sum(p => p.Value.NumberOfElements);
        return new AdapterCount(adapter.Selection.Targets.Sum(t => LoraSize.Pair(t.Module.InFeatures, t.Module.OutFeatures, rank)), counted, model.ParameterCount + counted);
    });
}
