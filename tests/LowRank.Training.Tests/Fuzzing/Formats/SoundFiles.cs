using System.Text.Json;
using LowRank.Testing;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>The sound files from which damaged ones are made, read once.</summary>
internal static class SoundFiles
{
    // Longer ones would make the fuzzing slow and find nothing else.
    private const int LongestBytes = 20000;

    /// <summary>The files of a folder of the reference data that are in the repository, by their ending, the short ones, in order.</summary>
    public static IReadOnlyList<string> Below(string folder, string ending, SearchOption depth = SearchOption.TopDirectoryOnly)
    {
        var root = Path.Combine(RepositoryRoot.Folder ?? AppContext.BaseDirectory, "tests", "fixtures", folder);
        Assert.SkipUnless(Directory.Exists(root), $"absent: {root}");
        return [.. Directory.EnumerateFiles(root, "*" + ending, depth).Where(f => new FileInfo(f).Length is > 0 and < LongestBytes).Order(StringComparer.Ordinal)];
    }

    /// <summary>The JSON of these files; what is no JSON is left out.</summary>
    public static JsonElement[] Json(IEnumerable<string> paths) => [.. paths.Select(p => Parse(File.ReadAllText(p))).OfType<JsonElement>()];

    /// <summary>A text as JSON, or null.</summary>
    public static JsonElement? Parse(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether bytes are one JSON object, whatever its members.</summary>
    public static bool IsObject(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) bytes = bytes[3..];
        try
        {
            return JsonElement.Parse(bytes).ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
