using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>How JSON is written for Weights and Biases: letters of all scripts as they are.</summary>
internal static class WandbJson
{
    /// <summary>On one line.</summary>
    public static JsonSerializerOptions Relaxed { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
}
