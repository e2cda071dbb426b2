using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using LowRank.Training.Events;
using LowRank.Training.Trackers.TensorBoard.Proto;
using LowRank.Training.Trackers.TensorBoard.Proto.HParams;
using DataType = LowRank.Training.Trackers.TensorBoard.Proto.HParams.DataType;
using Event = LowRank.Training.Trackers.TensorBoard.Proto.Event;

namespace LowRank.Training.Trackers.TensorBoard;

/// <summary>What TensorBoard's page of hyperparameters shows of a run: which there are, their values, and how it ended. A null among them is left out.</summary>
internal static class HyperParameters
{
    private const string Plugin = "hparams";

    /// <summary>The hyperparameters and the numbers that runs are compared by.</summary>
    public static Event Experiment(double seconds, JsonObject config, IEnumerable<string> metrics, double created)
    {
        var experiment = new Experiment { TimeCreatedSecs = created };
        foreach (var (name, value) in config)
            if (TypeOf(value) is { } type) experiment.HparamInfos.Add(new HParamInfo { Name = name, Type = type });
        foreach (var tag in metrics) experiment.MetricInfos.Add(new MetricInfo { Name = new MetricName { Tag = tag } });
        return Data(seconds, "_hparams_/experiment", new HParamsPluginData { Experiment = experiment });
    }

    /// <summary>This run's values.</summary>
    public static Event Start(double seconds, JsonObject config, string group, double started)
    {
        var start = new SessionStartInfo { GroupName = group, StartTimeSecs = started };
        foreach (var (name, value) in config)
            if (TypeOf(value) is { } type) start.Hparams[name] = ValueOf(value!, type);
        return Data(seconds, "_hparams_/session_start_info", new HParamsPluginData { SessionStartInfo = start });
    }

    /// <summary>How the run ended: well, or with an error.</summary>
    public static Event End(double seconds, RunEnd? end) => Data(seconds, "_hparams_/session_end_info",
        new HParamsPluginData { SessionEndInfo = new SessionEndInfo { Status = end is null ? Status.Failure : Status.Success, EndTimeSecs = seconds } }, isEmpty: true);

    private static Event Data(double seconds, string tag, HParamsPluginData data, bool isEmpty = false)
    {
        var value = new Summary.Types.Value { Tag = tag, Metadata = new SummaryMetadata { PluginData = new SummaryMetadata.Types.PluginData { PluginName = Plugin, Content = data.ToByteString() } } };
        // TensorBoard's newer reader shows summaries with a tensor only; its own writer puts an empty one beside the first two.
        if (!isEmpty) value.Tensor = new TensorProto { Dtype = Proto.DataType.DtFloat, TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim() } } };
        return BoardEvents.One(seconds, 0, value);
    }

    private static DataType? TypeOf(JsonNode? value) => value?.GetValueKind() switch
    {
        JsonValueKind.String => DataType.String,
        JsonValueKind.True or JsonValueKind.False => DataType.Bool,
        JsonValueKind.Number => DataType.Float64,
        _ => null,
    };

    private static Value ValueOf(JsonNode value, DataType type) => type switch
    {
        DataType.Bool => Value.ForBool(value.GetValueKind() == JsonValueKind.True),
        DataType.Float64 => Value.ForNumber(double.Parse(value.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture)),
        _ => Value.ForString(value.GetValue<string>()),
    };
}
