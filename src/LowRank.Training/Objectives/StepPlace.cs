namespace LowRank.Training.Objectives;

/// <summary>Where a micro-batch stands in a run.</summary>
/// <param name="Totals">What its step is divided by.</param>
/// <param name="Step">The step, from 0.</param>
/// <param name="MicroBatch">The micro-batch in it, from 0.</param>
internal readonly record struct StepPlace(StepTotals Totals, long Step, int MicroBatch);
