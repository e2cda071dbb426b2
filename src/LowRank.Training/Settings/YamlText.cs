using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LowRank.Training.Settings;

/// <summary>Writes the value of a setting as YAML that <see cref="SettingsYaml"/> reads back to the same.</summary>
internal static partial class YamlText
{
    // Letters beyond ASCII stay readable in a path.
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly string[] Reserved = ["null", "true", "false", "yes", "no", "on", "off"];

    /// <summary>The value; <c>~</c> where it is left open.</summary>
    public static string Of(Setting setting, string? value) =>
        string.IsNullOrEmpty(value) ? "~"
        : setting.IsText && (!Plain().IsMatch(value) || Reserved.Contains(value, StringComparer.OrdinalIgnoreCase)) ? JsonSerializer.Serialize(value, Options) // A JSON text is a YAML text.
        : value;

    [GeneratedRegex(@"^[A-Za-z0-9_./][A-Za-z0-9_./,+%-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Plain();
}
