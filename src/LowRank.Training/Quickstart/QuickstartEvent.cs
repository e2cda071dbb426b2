namespace LowRank.Training.Quickstart;

/// <summary>A station of a <see cref="QuickstartRun"/>.</summary>
public abstract record QuickstartEvent;
