using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LowRank.Training.Tests.Trackers;

/// <summary>JSON with NaN and Infinity as bare words, as Python writes it: the words become texts. Not for texts that hold ": NaN" themselves.</summary>
internal static partial class LooseJson
{
    public static JsonNode Parse(string text) => JsonNode.Parse(Bare().Replace(text, "$1\"$2\""))!;

    public static void AssertEqual(JsonNode? want, JsonNode? got, string what) =>
        Assert.True(JsonNode.DeepEquals(want, got), $"{what}: want {want?.ToJsonString()}, got {got?.ToJsonString()}");

    [GeneratedRegex("""([:\[,]\s*)(NaN|-?Infinity)(?=\s*[,\]}])""")]
    private static partial Regex Bare();
}
