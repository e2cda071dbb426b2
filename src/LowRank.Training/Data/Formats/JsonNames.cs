using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>How JSON values are called in messages.</summary>
internal static class JsonNames
{
    /// <summary>"a number", "an object", …</summary>
    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    /// <summary>The keys of an object, quoted; the first ten.</summary>
    public static string Keys(JsonElement row)
    {
        var keys = row.EnumerateObject().Select(m => $"\"{m.Name}\"").ToList();
        return keys.Count == 0 ? "no fields" : string.Join(", ", keys.Take(10)) + (keys.Count > 10 ? ", …" : "");
    }
}
