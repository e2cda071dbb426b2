using LowRank.Optimizers;
using LowRank.Training.Events;

namespace LowRank.Training.Guards;

/// <summary>
/// Watches a run for one mistake. A guard belongs to one run and is called from its thread only. It looks and never acts: what it finds is told as a
/// <see cref="RunWarning"/>, or stops the run where it says so.
/// </summary>
internal interface IGuard
{
    /// <summary>Its name, one of <see cref="GuardIds"/>.</summary>
    string Id { get; }

    /// <summary>What is wrong with a run that has not begun, or null. May be asked more than once.</summary>
    GuardFinding? Before(GuardedRun run) => null;

    /// <summary>What an event shows to be wrong, or null. Costs nothing that could be measured beside a step.</summary>
    GuardFinding? During(TrainingEvent happened, GuardedRun run) => null;

    /// <summary>Sees the gradients of a step, before they are applied.</summary>
    void SeeGradients(FlatParameters parameters)
    {
    }

    /// <summary>What is wrong with a run whose last step is taken, or null.</summary>
    GuardFinding? After(GuardedRun run) => null;
}
