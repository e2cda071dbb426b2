using System.Text.Json.Nodes;

namespace LowRank.Training.Tests.Objectives;

/// <summary>Small judged answers: of a number its own colour is good, another one bad.</summary>
internal static class JudgedData
{
    private static readonly string[] Colours = ["red", "green", "blue", "white", "black", "grey"];

    /// <summary>Writes the file and returns its path.</summary>
    public static string Create(string path, int rows = 24)
    {
        File.WriteAllLines(path, Enumerable.Range(0, rows).Select(i => new JsonObject
        {
            ["prompt"] = $"Which colour has number {i}?",
            ["completion"] = string.Concat(Enumerable.Repeat(Colours[i % 2 == 0 ? i % 3 : 3 + i % 3] + " ", 1 + i % 4)).TrimEnd(),
            ["label"] = i % 2 == 0,
        }.ToJsonString()));
        return path;
    }
}
