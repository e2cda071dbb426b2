using System.Diagnostics.Tracing;

namespace LowRank.Cli.Telemetry;

/// <summary>Keeps the first failure of the exporter, which tells of them by its event source only.</summary>
internal sealed class OtlpFailures : EventListener
{
    private const string Source = "OpenTelemetry-Exporter-OpenTelemetryProtocol";
    private string? first;

    /// <summary>The first failure, or null.</summary>
    public string? First => Volatile.Read(ref first);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Source) EnableEvents(eventSource, EventLevel.Error);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // Once this object is made, events of other sources do not come here: only that one is enabled.
        var text = eventData.Message is { } form ? string.Format(System.Globalization.CultureInfo.InvariantCulture, form, [.. eventData.Payload ?? new List<object?>().AsReadOnly()]) : eventData.EventName;
        Interlocked.CompareExchange(ref first, text?.Split('\n')[0].Trim(), null);
    }
}
