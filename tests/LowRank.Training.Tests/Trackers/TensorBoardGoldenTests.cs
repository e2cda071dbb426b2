using System.Text.Json.Nodes;
using Google.Protobuf;
using LowRank.Testing;
using LowRank.Training.Events;
using LowRank.Training.Trackers.TensorBoard;
using LowRank.Training.Trackers.TensorBoard.Proto;
using LowRank.Training.Trackers.TensorBoard.Proto.HParams;

namespace LowRank.Training.Tests.Trackers;

/// <summary>Event files of tensorboardX 2.6.5 and tensorboard 2.21.0: read with the messages here, framed again, and made anew.</summary>
[Trait("Category", "Golden")]
public sealed class TensorBoardGoldenTests
{
    private const string Kind = "trackers/tensorboard";
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    public static IEnumerable<TheoryDataRow<string>> Files() => Golden.Cases(Kind, Names().Order(StringComparer.Ordinal));

    public static IEnumerable<TheoryDataRow<string>> OwnWriter() => Golden.Cases(Kind, Names().Where(n => n.EndsWith("-v2", StringComparison.Ordinal)));

    private static IEnumerable<string> Names() =>
        !Directory.Exists(Golden.At("trackers", "tensorboard")) ? [] : Directory.GetFiles(Golden.At("trackers", "tensorboard")).Where(f => !f.EndsWith(".json", StringComparison.Ordinal)).Select(f => Path.GetFileName(f));

    [Theory, MemberData(nameof(Files))]
    public void Framing_is_the_same_byte_for_byte(string name)
    {
        var path = Golden.At("trackers", "tensorboard", name);
        using var again = new MemoryStream();
        foreach (var payload in EventFileReader.Payloads(path)) EventFile.WriteRecord(again, payload);
        Assert.Equal(File.ReadAllBytes(path), again.ToArray());
    }

    [Theory, MemberData(nameof(Files))]
    public void Events_are_the_same_field_by_field(string name)
    {
        var path = Golden.At("trackers", "tensorboard", name);
        var want = JsonNode.Parse(File.ReadAllText(path + ".json"))!.AsArray();
        var got = EventFileReader.Payloads(path);
        Assert.Equal(want.Count, got.Count);
        for (var i = 0; i < got.Count; i++)
        {
            Assert.Equal(want[i]!["bytes"]!.GetValue<int>(), got[i].Length);
            var json = JsonNode.Parse(Formatter.Format(Event.Parser.ParseFrom(got[i])))!;
            Assert.True(JsonNode.DeepEquals(want[i]!["event"], json), $"event {i}: want {want[i]!["event"]!.ToJsonString()}, got {json.ToJsonString()}");
        }
    }

    // The events of the generator (tensorboard_events.py), from the calls that the tracker makes.
    [Theory, MemberData(nameof(OwnWriter))]
    public void Events_made_here_equal_those_of_TensorBoards_own_writer(string name)
    {
        var want = EventFileReader.Read(Golden.At("trackers", "tensorboard", name));
        Assert.Equal(BoardEvents.Version(want[0].WallTime, "tensorboard.summary.writer.event_file_writer"), want[0]);
        for (var step = 0; step < 20; step++)
        {
            var metadata = step == 0 ? BoardEvents.Shown("scalars", "loss", "cross entropy") : null;
            Assert.Equal(want[1 + step], BoardEvents.Scalar(1768468000.0 + step, step, "train/loss", 1.0 / (step + 1), metadata));
        }
        Assert.Equal(want[21], BoardEvents.Text(1768468021.0, 0, "notes", "# Notes\nline é", BoardEvents.Shown("text", "notes")));

        var config = new JsonObject { ["lr"] = 2e-4, ["r"] = 16, ["target"] = "all-linear", ["bf16"] = true };
        var start = HyperParameters.Start(1768468022.0, config, "trial", 1768468000.0);
        // tensorboard names a hash of the trial's name as the group where none is given, and the fixture gives "trial": all fields agree.
        AssertSameHyperParameters(want[23], start);
        AssertSameHyperParameters(want[24], HyperParameters.End(1768468022.0, RunEnd.Finished));

        // Its experiment states domains and a display name, which a single run does not know; the rest agrees.
        var experiment = Data(want[22]);
        experiment.Experiment.HparamInfos.Add(new HParamInfo { Name = "bf16", Type = LowRank.Training.Trackers.TensorBoard.Proto.HParams.DataType.Bool });
        foreach (var info in experiment.Experiment.HparamInfos)
        {
            info.ClearDomain();
            if (info.Name == "target") info.Type = LowRank.Training.Trackers.TensorBoard.Proto.HParams.DataType.String;
            if (info.Name == "r") info.Type = LowRank.Training.Trackers.TensorBoard.Proto.HParams.DataType.Float64;
        }
        experiment.Experiment.MetricInfos[0].DisplayName = "";
        Assert.Equal(experiment, Data(HyperParameters.Experiment(1768468022.0, config, ["train/loss"], 1768468000.0)));
    }

    // The contents hold a map, whose order in bytes is free.
    private static void AssertSameHyperParameters(Event want, Event got)
    {
        Assert.Equal(Data(want), Data(got));
        var (first, second) = (want.Clone(), got.Clone());
        first.Summary.Value[0].Metadata.PluginData.Content = second.Summary.Value[0].Metadata.PluginData.Content = ByteString.Empty;
        Assert.Equal(first, second);
    }

    private static HParamsPluginData Data(Event e) => HParamsPluginData.Parser.ParseFrom(e.Summary.Value[0].Metadata.PluginData.Content);
}
