namespace LowRank.Runtime.Diagnosis;

/// <summary>One line of <see cref="DoctorReport"/>.</summary>
/// <param name="Name">What was looked at, such as <c>libtorch</c>.</param>
/// <param name="Value">What was found, for a reader.</param>
/// <param name="Status">Whether that is good.</param>
/// <param name="Fix">What to do about it; null where there is nothing to do.</param>
/// <param name="Number">The value as a number where it is one (bytes, GFLOP/s, count), for machines.</param>
public sealed record DoctorCheck(string Name, string Value, DoctorStatus Status = DoctorStatus.Ok, string? Fix = null, double? Number = null);
