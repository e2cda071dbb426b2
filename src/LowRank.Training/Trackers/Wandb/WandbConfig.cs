using System.Text.Json.Nodes;
using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>A run's configuration as the server keeps it: <c>{"key": {"value": …}}</c>, with what the client tells of itself under <c>_wandb</c>.</summary>
internal sealed class WandbConfig
{
    private const string Own = "_wandb";
    private readonly NestedValues values = new();
    private readonly TelemetryRecord telemetry = new();
    private readonly MetricDefinitions metrics = new();

    /// <summary>Takes changes of the configuration.</summary>
    public void Add(ConfigRecord? record)
    {
        foreach (var item in record?.Update ?? []) values.Set(NestedValues.PathOf(item.Key, item.NestedKey), item.ValueJson);
        foreach (var item in record?.Remove ?? []) values.Remove(NestedValues.PathOf(item.Key, item.NestedKey));
    }

    /// <summary>Takes what the client tells of itself.</summary>
    public void Add(TelemetryRecord? record)
    {
        if (record is not null) telemetry.MergeFrom(record);
    }

    /// <summary>Takes what is said about a metric.</summary>
    public void Add(MetricRecord record) => metrics.Add(record);

    /// <summary>The configuration as JSON.</summary>
    public string ToJson() => Wrapped().ToJson();

    /// <summary>The configuration as <c>config.yaml</c>.</summary>
    public string ToYaml() => WandbYaml.Write(Wrapped());

    private NestedValues Wrapped()
    {
        var wrapped = new NestedValues();
        foreach (var (name, value) in values.Entries)
            if (name != Own) wrapped.Set([name, "value"], value is NestedValues inner ? inner.ToJson() : (string)value);
        wrapped.Set([Own, "value"], Client().ToJsonString(WandbJson.Relaxed));
        return wrapped;
    }

    private JsonObject Client()
    {
        var client = new JsonObject { ["t"] = Telemetry(), ["m"] = metrics.ToJson() };
        if (telemetry.PythonVersion.Length > 0) client["python_version"] = telemetry.PythonVersion;
        if (telemetry.CliVersion.Length > 0) client["cli_version"] = telemetry.CliVersion;
        return client;
    }

    // Field numbers as names, and lists of numbers for what is switched on, as with metrics.
    private JsonObject Telemetry()
    {
        var json = new JsonObject();
        if (telemetry.Feature is { } feature)
            json["3"] = new JsonArray([.. Feature.Descriptor.Fields.InDeclarationOrder().Where(f => f.Accessor.GetValue(feature) is true).Select(f => (JsonNode)f.FieldNumber)]);
        Text("4", telemetry.PythonVersion);
        Text("5", telemetry.CliVersion);
        Text("6", telemetry.HuggingfaceVersion);
        if (telemetry.Label is { } label)
        {
            var named = new JsonObject();
            foreach (var (number, text) in (IEnumerable<(string, string)>)[("1", label.CodeString), ("2", label.RepoString), ("3", label.CodeVersion)])
                if (text.Length > 0) named[number] = text;
            json["9"] = named;
        }
        Text("12", telemetry.CoreVersion);
        Text("13", telemetry.Platform);
        return json;

        void Text(string number, string text)
        {
            if (text.Length > 0) json[number] = text;
        }
    }
}
