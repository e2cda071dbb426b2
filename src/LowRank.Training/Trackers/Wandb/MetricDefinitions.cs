using System.Text.Json.Nodes;
using LowRank.Training.Trackers.Wandb.Proto;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>
/// What a run said about its metrics (their step, their summary), in the form in which the server keeps it in the run's configuration: an object for each, with protobuf's field
/// numbers as names, and lists of numbers for what is switched on.
/// </summary>
internal sealed class MetricDefinitions
{
    private readonly SortedDictionary<string, MetricRecord> named = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, MetricRecord> globs = new(StringComparer.Ordinal);

    /// <summary>Adds a definition, or what it adds to an earlier one.</summary>
    public void Add(MetricRecord record)
    {
        var (place, name) = record.GlobName.Length > 0 ? (globs, record.GlobName) : (named, record.Name);
        if (name.Length == 0) return;
        if (record.Control?.Overwrite == true || !place.TryGetValue(name, out var earlier)) place[name] = record.Clone();
        else earlier.MergeFrom(record);
    }

    /// <summary>The definitions.</summary>
    public JsonArray ToJson()
    {
        var list = new List<JsonObject>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, record) in named) Place(name, record, isGlob: false);
        foreach (var (name, record) in globs) Place(name, record, isGlob: true);
        return new JsonArray([.. list]);

        int Place(string name, MetricRecord? record, bool isGlob)
        {
            if (places.TryGetValue(name, out var there)) return there;
            var index = places[name] = list.Count;
            var json = new JsonObject { [isGlob ? "2" : "1"] = name };
            list.Add(json);
            // The place counts from one. A step that nobody defined gets an empty definition.
            if (record?.StepMetric is { Length: > 0 } step) json["5"] = 1 + Place(step, named.GetValueOrDefault(step), isGlob: false);
            json["6"] = Numbers((1, record?.Options?.StepSync), (2, record?.Options?.Hidden), (3, !isGlob && record is not null));
            json["7"] = Numbers((1, record?.Summary?.Min), (2, record?.Summary?.Max), (3, record?.Summary?.Mean), (5, record?.Summary?.Last), (6, record?.Summary?.None), (8, record?.Summary?.First));
            if (record is { Goal: not MetricRecord.Types.MetricGoal.GoalUnset }) json["8"] = (int)record.Goal;
            return index;
        }
    }

    private static JsonArray Numbers(params ReadOnlySpan<(int Number, bool? IsSet)> fields)
    {
        var numbers = new JsonArray();
        foreach (var (number, isSet) in fields)
            if (isSet == true) numbers.Add((JsonNode)number);
        return numbers;
    }
}
