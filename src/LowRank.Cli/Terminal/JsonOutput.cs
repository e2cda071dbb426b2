using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LowRank.Cli.Terminal;

/// <summary>Results for programs, as <c>--json</c> prints them.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // A loss that is not a number becomes a text, as elsewhere in LowRank's JSON.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Prints a value.</summary>
    public static void Json(this Screen screen, object value) => screen.Out.WriteLine(JsonSerializer.Serialize(value, Options));
}
