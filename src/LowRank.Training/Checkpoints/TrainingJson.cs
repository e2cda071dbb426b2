using System.Text.Json;
using System.Text.Json.Serialization;

namespace LowRank.Training.Checkpoints;

/// <summary>JSON of what a run keeps for itself.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(TrainerState))]
[JsonSerializable(typeof(RunRecord))]
internal sealed partial class TrainingJson : JsonSerializerContext
{
    /// <summary>Reads a file that a run wrote.</summary>
    /// <exception cref="LowRankException">It is missing or damaged.</exception>
    public static T Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        if (!File.Exists(path)) throw new LowRankException($"{path} is missing: the folder was not written by a run of LowRank.");
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type) ?? throw new LowRankException($"{path} is empty.");
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{path}, line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0]}");
        }
    }
}
