using System.Text;
using System.Text.Json;

namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>A JSON value that may be what no parser makes: keys twice, numbers and escapes as they are spelled, any depth.</summary>
internal sealed class JsonSketch
{
    private JsonSketch() { }

    /// <summary>The spelling of a number, text or word; null for objects and lists.</summary>
    public string? Raw { get; set; }

    /// <summary>The members of an object, keys with their quotes.</summary>
    public List<(string Key, JsonSketch Value)>? Members { get; private set; }

    /// <summary>The elements of a list.</summary>
    public List<JsonSketch>? Items { get; private set; }

    /// <summary>A value by its spelling.</summary>
    public static JsonSketch Scalar(string raw) => new() { Raw = raw };

    /// <summary>A list.</summary>
    public static JsonSketch List(params IEnumerable<JsonSketch> items) => new() { Items = [.. items] };

    /// <summary>An object.</summary>
    public static JsonSketch Object(params IEnumerable<(string Key, JsonSketch Value)> members) => new() { Members = [.. members] };

    /// <summary>A sound value.</summary>
    public static JsonSketch Of(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => Object(json.EnumerateObject().Select(m => (JsonSerializer.Serialize(m.Name), Of(m.Value)))),
        JsonValueKind.Array => List(json.EnumerateArray().Select(Of)),
        _ => Scalar(json.GetRawText()),
    };

    /// <summary>A copy that shares nothing.</summary>
    public JsonSketch Copy() => new() { Raw = Raw, Items = Items?.ConvertAll(i => i.Copy()), Members = Members?.ConvertAll(m => (m.Key, m.Value.Copy())) };

    /// <summary>Becomes another value.</summary>
    public void Become(JsonSketch other) => (Raw, Items, Members) = (other.Raw, other.Items, other.Members);

    /// <summary>This value and all in it.</summary>
    public List<JsonSketch> All()
    {
        var all = new List<JsonSketch> { this };
        for (var i = 0; i < all.Count; i++)
        {
            if (all[i].Items is { } items) all.AddRange(items);
            if (all[i].Members is { } members) all.AddRange(members.Select(m => m.Value));
        }
        return all;
    }

    /// <summary>The member of an object, or null.</summary>
    public JsonSketch? this[string key] => Members?.Find(m => m.Key == $"\"{key}\"").Value;

    /// <summary>The text; no recursion, for any depth.</summary>
    public string Write()
    {
        var text = new StringBuilder();
        var open = new Stack<(JsonSketch Value, int Next)>([(this, 0)]);
        while (open.TryPop(out var top))
        {
            var (value, next) = top;
            var count = value.Members?.Count ?? value.Items?.Count ?? -1;
            if (count < 0)
            {
                text.Append(value.Raw);
                continue;
            }
            if (next == 0) text.Append(value.Members is null ? '[' : '{');
            if (next == count)
            {
                text.Append(value.Members is null ? ']' : '}');
                continue;
            }
            if (next > 0) text.Append(',');
            if (value.Members is { } members) text.Append(members[next].Key).Append(':');
            open.Push((value, next + 1));
            open.Push((value.Members?[next].Value ?? value.Items![next], 0));
        }
        return text.ToString();
    }
}
