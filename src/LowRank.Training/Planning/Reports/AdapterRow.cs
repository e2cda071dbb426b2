namespace LowRank.Training.Planning.Reports;

/// <summary>An adapter's size by rank.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="TrainableParameters">Parameters that are trained.</param>
/// <param name="AllParameters">All parameters of the model with the adapter, as PEFT counts them.</param>
/// <param name="Percent">The first in percent of the second, with four decimals.</param>
/// <param name="TrainingBytes">Bytes of values, gradients and moments together.</param>
/// <param name="FileBytes">Bytes of the adapter's file, in fp32 as PEFT saves it.</param>
public sealed record AdapterRow(int Rank, long TrainableParameters, long AllParameters, double Percent, long TrainingBytes, long FileBytes);
