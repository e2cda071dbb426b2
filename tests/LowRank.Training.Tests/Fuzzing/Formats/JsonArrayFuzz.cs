using System.Text.Json;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>Data in one JSON array.</summary>
internal sealed class JsonArrayFuzz() : DataFuzz("json-array", ".json")
{
    private static readonly Lazy<JsonElement[]> files = new(() => [.. SoundFiles.Json(SoundFiles.Below("datasets", ".json", SearchOption.AllDirectories)).Where(j => j.ValueKind == JsonValueKind.Array)]);

    public override byte[] Make(FuzzRandom random) => JsonMutator.Damaged(random.Pick(files.Value), random);
}
