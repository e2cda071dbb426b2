namespace LowRank.Runtime.Diagnosis;

/// <summary>What this machine offers to LowRank, what would be used and why, and what is wrong and how to mend it. A plain record, ready for a JSON serializer.</summary>
public sealed record DoctorReport
{
    /// <summary>The findings, from the system up to the speeds.</summary>
    public required IReadOnlyList<DoctorCheck> Checks { get; init; }

    /// <summary>Whether no check failed.</summary>
    public bool Healthy => Checks.All(check => check.Status != DoctorStatus.Fail);

    /// <summary>Examines the machine. Does not throw for what it finds wrong: that is a check of its own.</summary>
    /// <param name="measureSpeed">Whether to measure the speed of matrix products, which takes a few seconds.</param>
    public static DoctorReport Examine(bool measureSpeed = true)
    {
        List<DoctorCheck> checks = [.. SystemChecks.All()];
        checks.AddRange(LibTorchChecks.All());
        if (NativeRuntime.IsLoaded)
        {
            checks.AddRange(DeviceChecks.All());
            if (measureSpeed) checks.AddRange(SpeedChecks.All());
        }
        return new DoctorReport { Checks = checks };
    }
}
