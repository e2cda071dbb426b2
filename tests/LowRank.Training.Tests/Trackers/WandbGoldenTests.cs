using System.Text.Json.Nodes;
using Google.Protobuf;
using LowRank.Testing;
using LowRank.Training.Trackers.Wandb;
using LowRank.Training.Trackers.Wandb.Proto;
using YamlDotNet.Serialization;
using Record = LowRank.Training.Trackers.Wandb.Proto.Record;

namespace LowRank.Training.Tests.Trackers;

/// <summary>Offline runs of wandb 0.31.0: read, framed again, and uploaded as its own client uploads them.</summary>
[Trait("Category", "Golden")]
public sealed class WandbGoldenTests
{
    private const string Kind = "trackers/wandb-offline";
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    public static IEnumerable<TheoryDataRow<string>> Runs() => Golden.Cases(Kind, "trackers/wandb-offline", "*.wandb");

    public static IEnumerable<TheoryDataRow<string>> First() => Golden.Cases(Kind, Directory.Exists(Golden.At("trackers", "wandb-offline")) ? ["run-fixture01"] : []);

    private static string PathOf(string name) => Golden.At("trackers", "wandb-offline", name);

    [Theory, MemberData(nameof(Runs))]
    public void Framing_is_the_same_byte_for_byte(string name)
    {
        var path = PathOf(name + ".wandb");
        using var again = new MemoryStream();
        using (var writer = new RunLogWriter(again))
            foreach (var (_, bytes) in RunLogReader.ReadBytes(path)) writer.Write(bytes);
        Assert.Equal(File.ReadAllBytes(path), again.ToArray());
    }

    // Every record through the messages here and back loses no byte of content, fields that they do not name included.
    [Theory, MemberData(nameof(Runs))]
    public void Records_survive_reading_and_writing(string name)
    {
        var count = 0;
        foreach (var (at, bytes) in RunLogReader.ReadBytes(PathOf(name + ".wandb")))
        {
            var record = RunLogReader.Parse(name, at, bytes);
            Assert.Equal(++count, record.Num);
            var again = record.ToByteArray();
            Assert.Equal(bytes.Length, again.Length);
            Assert.Equal(record, Record.Parser.ParseFrom(again));
        }
        // The fixtures' README: 170 records, and 381 in 385 chunks, of which one is a text of 81,000 characters.
        Assert.Equal(name == "run-fixture01" ? 170 : 381, count);
        if (name == "run-fixture02") Assert.Contains(RunLogReader.Read(PathOf(name + ".wandb")), r => r.Config?.Update.Any(i => i.ValueJson.Length >= 81000) == true);
    }

    [Theory, MemberData(nameof(First))]
    public void Records_equal_what_protobuf_prints_of_them(string name)
    {
        var want = JsonNode.Parse(File.ReadAllText(PathOf("records.json")))!.AsArray();
        var got = RunLogReader.Read(PathOf(name + ".wandb")).ToList();
        Assert.Equal(want.Count, got.Count);
        for (var i = 0; i < got.Count; i++) LooseJson.AssertEqual(want[i], JsonNode.Parse(Formatter.Format(got[i])), $"record {i + 1}");
    }

    // Field numbers and types of every message here are those of fields.json.
    [Theory, MemberData(nameof(First))]
    public void Fields_have_the_numbers_and_types_of_wandb(string name)
    {
        Assert.NotEmpty(name);
        var messages = JsonNode.Parse(File.ReadAllText(PathOf("fields.json")))!["messages"]!;
        var known = WandbReflection.Descriptor.MessageTypes;
        foreach (var message in known)
        {
            var fields = (messages[$"wandb_internal.{message.Name}"] ?? messages[$"wandb_internal._{message.Name}"])!;
            foreach (var field in message.Fields.InDeclarationOrder())
            {
                var want = fields[field.Name]!;
                Assert.Equal(want["number"]!.GetValue<int>(), field.FieldNumber);
                Assert.Equal(want["repeated"]!.GetValue<bool>(), field.IsRepeated);
                var type = want["type"]!.GetValue<string>();
                // Messages that are only passed through are bytes here: the same on the wire.
                if (field.FieldType != Google.Protobuf.Reflection.FieldType.Bytes && !type.Contains('.', StringComparison.Ordinal)) Assert.Equal(type, field.FieldType.ToString().ToLowerInvariant());
            }
        }
    }

    [Theory, MemberData(nameof(First))]
    public async Task An_upload_sends_what_wandb_sync_sends(string name)
    {
        using var folder = new TemporaryFolder();
        File.Copy(PathOf(name + ".wandb"), folder.At(name + ".wandb"));
        using var server = new StandInWandb();
        using (var client = new WandbClient(new WandbServer(new Uri(server.Address + "/"), "local-key")))
        {
            var result = await WandbSync.SendAsync(folder.At(name + ".wandb"), client, CancellationToken.None);
            Assert.Equal(("example-team/lowrank-fixture/fixture01", 51, true), (result.Run, result.Sent, result.IsWhole));
        }
        var want = JsonNode.Parse(File.ReadAllText(PathOf("sync_requests.json")))!.AsArray().Select(n => n!).ToList();
        // While it reads, wandb sends the summary of the moment once: when that is depends on its clock, and the last request has the whole.
        want.RemoveAll(r => r["json"]?["files"]?["wandb-history.jsonl"] is null && r["json"]?["files"] is not null);
        var got = server.Requests;
        Assert.Equal(want.Count, got.Count);
        for (var i = 0; i < got.Count; i++)
        {
            Assert.Equal(want[i]["POST"]?.ToString() ?? want[i]["PUT"]!.ToString(), got[i].Path);
            Assert.Equal(want[i]["POST"] is null ? "PUT" : "POST", got[i].Method);
            // The key goes to the server only, not to where files are put.
            Assert.Equal(got[i].Method == "PUT" ? null : "Basic YXBpOmxvY2FsLWtleQ==", got[i].Authorization);
            LooseJson.AssertEqual(Normal(want[i]["json"] ?? Content(want[i]["PUT"]!.ToString(), want[i]["text"]!.ToString())), Normal(got[i].Method == "PUT" ? Content(got[i].Path, got[i].Text) : JsonNode.Parse(got[i].Text)!), $"request {i}");
        }
        Assert.True(File.Exists(folder.At(name + ".wandb.synced")));
    }

    private static JsonNode Content(string path, string text) => path.EndsWith(".json", StringComparison.Ordinal) ? LooseJson.Parse(text)
        : JsonNode.Parse(new SerializerBuilder().JsonCompatible().Build().Serialize(new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object>(text)!))!;

    // What is JSON in a text is compared as JSON (Go writes maps in any order), and what is each client's own is left out.
    private static JsonNode Normal(JsonNode node)
    {
        node = node.DeepClone();
        if (node["query"] is not null) node["query"] = string.Join(' ', System.Text.RegularExpressions.Regex.Matches(node["query"]!.ToString(), @"\$\w+: ?[\w\[\]!]+").Select(m => m.Value.Replace(" ", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        if (node["variables"]?["config"] is { } config) node["variables"]!["config"] = Own(LooseJson.Parse(config.ToString()));
        // The program that uploads: "wandb" there.
        if (node["variables"] is JsonObject variables && variables.ContainsKey("program")) variables["program"] = null;
        if (node["variables"]?["files"] is JsonArray names) Sort(names);
        if (node["uploaded"] is JsonArray uploaded) Sort(uploaded);
        foreach (var (_, file) in node["files"]?.AsObject() ?? new JsonObject())
        {
            var lines = file!["content"]!.AsArray();
            for (var i = 0; i < lines.Count; i++) lines[i] = LooseJson.Parse(lines[i]!.ToString());
        }
        return Own(node);
    }

    // 12 is the version of wandb's own uploader; feature 76 says that it was used.
    private static JsonNode Own(JsonNode config)
    {
        if (config["_wandb"]?["value"]?["t"] is not JsonObject told) return config;
        told.Remove("12");
        Sort(told["3"]!.AsArray());
        foreach (var feature in told["3"]!.AsArray().Where(f => f!.ToString() == "76").ToList()) told["3"]!.AsArray().Remove(feature);
        return config;
    }

    private static void Sort(JsonArray array)
    {
        var sorted = array.Select(n => n!.DeepClone()).OrderBy(n => n.ToString(), StringComparer.Ordinal).ToList();
        array.Clear();
        foreach (var node in sorted) array.Add(node);
    }
}
