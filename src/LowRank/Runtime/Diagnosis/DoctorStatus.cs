namespace LowRank.Runtime.Diagnosis;

/// <summary>How a <see cref="DoctorCheck"/> came out.</summary>
public enum DoctorStatus
{
    /// <summary>As it should be, or plain information.</summary>
    Ok,

    /// <summary>Works, but slower or less than it could.</summary>
    Warn,

    /// <summary>LowRank cannot train or generate until this is mended.</summary>
    Fail,
}
