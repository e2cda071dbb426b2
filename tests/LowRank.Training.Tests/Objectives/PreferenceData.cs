using System.Text.Json.Nodes;

namespace LowRank.Training.Tests.Objectives;

/// <summary>Small preferences: the better answer to a number is its colour, the other one another colour.</summary>
internal static class PreferenceData
{
    private static readonly string[] Colours = ["red", "green", "blue", "white", "black", "grey"];

    /// <summary>Writes the file and returns its path.</summary>
    public static string Create(string path, int rows = 24)
    {
        File.WriteAllLines(path, Enumerable.Range(0, rows).Select(i => new JsonObject
        {
            ["prompt"] = $"Which colour has number {i}?",
            ["chosen"] = string.Concat(Enumerable.Repeat(Colours[i % 3] + " ", 1 + i % 3)).TrimEnd(),
            ["rejected"] = string.Concat(Enumerable.Repeat(Colours[3 + i % 3] + " ", 1 + i % 2)).TrimEnd(),
        }.ToJsonString()));
        return path;
    }
}
