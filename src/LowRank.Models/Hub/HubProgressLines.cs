using System.Globalization;

namespace LowRank.Models.Hub;

/// <summary>Lines of text about a download: one for each twentieth of it, enough to see that it moves.</summary>
/// <param name="id">What is downloaded.</param>
/// <param name="tell">Is told the lines; null tells no one.</param>
internal sealed class HubProgressLines(HubId id, Action<string>? tell)
{
    private long next, total = -1;

    /// <summary>Takes what the client says.</summary>
    public void Report(HubProgress p)
    {
        // Weights that an index names are counted anew.
        if (p.Total != total) (next, total) = (0, p.Total);
        if (tell is null || p.Bytes < next) return;
        next = p.Bytes + Math.Max(1, p.Total / 20);
        var speed = p.BytesPerSecond > 0 ? string.Create(CultureInfo.InvariantCulture, $", {p.BytesPerSecond / 1e6:f1} MB/s") : "";
        tell(string.Create(CultureInfo.InvariantCulture, $"Downloading {id}: {p.File}, {p.Bytes / 1e6:f0} of {p.Total / 1e6:f0} MB{speed}"));
    }
}
