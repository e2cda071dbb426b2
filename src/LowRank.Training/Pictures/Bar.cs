namespace LowRank.Training.Pictures;

/// <summary>A bar of a <see cref="BarChart"/>.</summary>
/// <param name="Name">What stands below it.</param>
/// <param name="Value">Its height.</param>
/// <param name="Low">The lower end of its error bar, or null for none.</param>
/// <param name="High">The upper end.</param>
public sealed record Bar(string Name, double Value, double? Low = null, double? High = null);
