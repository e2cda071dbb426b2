namespace LowRank.Models.Hub;

/// <summary>How far a download is.</summary>
/// <param name="File">The file that is being downloaded.</param>
/// <param name="FileBytes">Bytes of it that are on disk.</param>
/// <param name="FileTotal">Its size in bytes.</param>
/// <param name="Bytes">Bytes on disk of all files whose size is known so far.</param>
/// <param name="Total">The size of those files in bytes.</param>
public readonly record struct HubProgress(string File, long FileBytes, long FileTotal, long Bytes, long Total)
{
    /// <summary>Bytes that arrived in a second, over the last seconds; 0 before anything arrived.</summary>
    public double BytesPerSecond { get; init; }
}
