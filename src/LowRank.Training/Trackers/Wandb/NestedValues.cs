using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>
/// Values by names that may be nested, each kept as the JSON text that it came as: Weights and Biases writes NaN, Infinity and -Infinity bare, which no JSON reader takes, and a text
/// that is only passed on loses nothing.
/// </summary>
internal sealed class NestedValues
{
    private readonly OrderedDictionary<string, object> values = new(StringComparer.Ordinal);

    /// <summary>The values in the order in which they came first: JSON text, or <see cref="NestedValues"/>.</summary>
    public IEnumerable<KeyValuePair<string, object>> Entries => values;

    /// <summary>The path of an item: its nested key, or its key.</summary>
    public static IReadOnlyList<string> PathOf(string key, IReadOnlyList<string> nestedKey) => nestedKey.Count > 0 ? nestedKey : [key];

    /// <summary>Sets a value.</summary>
    public void Set(IReadOnlyList<string> path, string json)
    {
        var at = this;
        for (var i = 0; i < path.Count - 1; i++) at = at.Inner(path[i]);
        at.values[path[^1]] = json;
    }

    /// <summary>Takes a value out.</summary>
    public void Remove(IReadOnlyList<string> path)
    {
        var at = this;
        for (var i = 0; i < path.Count - 1; i++) at = at.Inner(path[i]);
        at.values.Remove(path[^1]);
    }

    /// <summary>The JSON text of a value that was set by this path, or null.</summary>
    public string? Find(IReadOnlyList<string> path)
    {
        object? at = this;
        foreach (var name in path) at = (at as NestedValues)?.values.GetValueOrDefault(name);
        return at as string;
    }

    /// <summary>All values as one JSON object.</summary>
    public string ToJson()
    {
        var text = new StringBuilder();
        WriteTo(text);
        return text.ToString();
    }

    /// <summary>A number as JSON text, with NaN, Infinity and -Infinity as they are written here.</summary>
    public static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "Infinity" : double.IsNegativeInfinity(value) ? "-Infinity" : value.ToString("R", CultureInfo.InvariantCulture);

    private void WriteTo(StringBuilder text)
    {
        var separator = '{';
        foreach (var (name, value) in values)
        {
            text.Append(separator).Append(JsonSerializer.Serialize(name, WandbJson.Relaxed)).Append(':');
            if (value is NestedValues inner) inner.WriteTo(text);
            else text.Append((string)value);
            separator = ',';
        }
        text.Append(separator == '{' ? "{}" : "}");
    }

    // A value that is an object is taken apart; another one makes room.
    private NestedValues Inner(string name)
    {
        if (values.TryGetValue(name, out var value) && value is NestedValues nested) return nested;
        var inner = new NestedValues();
        if (value is string json && json.StartsWith('{'))
        {
            try
            {
                using var document = JsonDocument.Parse(json);
                foreach (var member in document.RootElement.EnumerateObject()) inner.values[member.Name] = member.Value.GetRawText();
            }
            catch (JsonException)
            {
                // It holds a bare NaN: what is set now replaces it.
                inner = new NestedValues();
            }
        }
        values[name] = inner;
        return inner;
    }
}
