using LowRank.Cli.Terminal;
using LowRank.Training;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LowRank.Cli.Telemetry;

/// <summary>Sends the measurements and traces of a run to an OpenTelemetry collector while it goes on; the OTEL_ variables say where and how. At its end there is a time limit.</summary>
internal sealed class OtlpExport : IDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const int LimitMilliseconds = 5000;
    private readonly OtlpFailures failures = new();
    private readonly MeterProvider meters;
    private readonly TracerProvider traces;
    private readonly Screen screen;

    private OtlpExport(Screen screen)
    {
        this.screen = screen;
        meters = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(TrainingTelemetry.Name).AddOtlpExporter().Build();
        traces = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(TrainingTelemetry.Name).AddOtlpExporter().Build();
    }

    /// <summary>Begins, if the run has the tracker <c>otel</c>; says so where nothing tells where to send to.</summary>
    /// <returns>What is to be disposed when the run is over, or null.</returns>
    public static OtlpExport? Start(TrainingRun run, Screen screen)
    {
        if (!run.Settings.Trackers.Names().Contains(TrackerNames.OpenTelemetry)) return null;
        if (Environment.GetEnvironmentVariable(Endpoint) is { Length: > 0 }) return new OtlpExport(screen);
        screen.Warn($"tracker otel: {Endpoint} is not set, so nothing is sent. Set it to the address of a collector, such as http://127.0.0.1:4317.");
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Both together have the limit: each on a thread of its own.
        var ending = Task.WhenAll(Task.Run(() => meters.Shutdown(LimitMilliseconds)), Task.Run(() => traces.Shutdown(LimitMilliseconds)));
        var isWhole = ending.Wait(LimitMilliseconds + 1000) && ending.Result.All(ok => ok);
        if (failures.First is { } failure) screen.Warn($"tracker otel: {Environment.GetEnvironmentVariable(Endpoint)} did not take everything: {failure}");
        else if (!isWhole) screen.Warn($"tracker otel: {Environment.GetEnvironmentVariable(Endpoint)} did not take everything within {LimitMilliseconds / 1000} s.");
        failures.Dispose();
        // Shut down already, they have nothing left to wait for.
        if (!ending.IsCompleted) return;
        meters.Dispose();
        traces.Dispose();
    }

    private static void Describe(ResourceBuilder resource)
    {
        if (Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is null or "") resource.AddService("lowrank", autoGenerateServiceInstanceId: false);
    }
}
