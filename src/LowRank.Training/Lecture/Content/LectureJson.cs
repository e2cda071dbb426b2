using System.Text.Json;
using System.Text.Json.Serialization;

namespace LowRank.Training.Lecture.Content;

/// <summary>JSON of the claims file.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(LectureContent))]
internal sealed partial class LectureJson : JsonSerializerContext;
