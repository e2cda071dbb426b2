using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Quantization;

namespace LowRank.Adapters;

/// <summary>
/// What LowRank keeps beside PEFT's two files, in <c>lowrank.json</c>: which base the adapter was trained on, and how. PEFT ignores the file.
/// </summary>
/// <param name="Base">The fingerprint of the base; null where it was not taken.</param>
/// <param name="Run">The settings and results of the run, as its writer chose them; null where there was none.</param>
/// <param name="Quantization">The form of the base's matrices in training; null where they were not in 4 bits.</param>
public sealed record AdapterRecord(BaseFingerprint? Base, JsonObject? Run = null, FourBitOptions? Quantization = null)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "lowrank.json";

    /// <summary>The version of the file's form.</summary>
    private const int Format = 1;

    /// <summary>Reads the record of an adapter folder; null where there is none.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="AdapterException">The file is malformed or of a newer form.</exception>
    public static AdapterRecord? Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            var root = StrictJson.Node(File.ReadAllBytes(path)) as JsonObject ?? throw new AdapterException(folder, $"{FileName} is not a JSON object. Remove it, or take it from where the adapter came from.");
            if (root["format"]?.GetValue<int>() is not Format) throw new AdapterException(folder, $"{FileName} has the form {root["format"]?.ToJsonString() ?? "(none)"}, this version reads {Format}. Update LowRank, or remove the file to load the adapter without its record.");
            var fingerprint = root["base"] is JsonObject b ? new BaseFingerprint(Text(b, "shapes"), Text(b, "weights")) : null;
            return new AdapterRecord(fingerprint, root["run"]?.DeepClone() as JsonObject, root["quantization"] is JsonObject q ? Form(q) : null);
        }
        catch (JsonException e)
        {
            throw new AdapterException(folder, $"{FileName} is not JSON: {JsonErrorText.Of(e)}");
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            throw new AdapterException(folder, $"{FileName} has a field of the wrong kind: {e.Message}");
        }
    }

    private static FourBitOptions Form(JsonObject section) => new()
    {
        Type = FourBitOptions.TypeOf(Text(section, "quant_type")),
        BlockSize = Field(section, "blocksize").GetValue<int>(),
        DoubleQuantization = Field(section, "double_quant").GetValue<bool>(),
        Skip = section["skip_modules"] is JsonArray skip ? [.. skip.Select(s => s is JsonValue name ? name.GetValue<string>() : throw new FormatException("\"skip_modules\" has an entry that is no name"))] : [],
    };

    private static string Text(JsonObject section, string field) =>
        Field(section, field).GetValue<string>();

    private static JsonValue Field(JsonObject section, string field) =>
        section[field] as JsonValue ?? throw new FormatException($"\"{section.GetPropertyName()}\" has no \"{field}\"");

    /// <summary>The text of the file.</summary>
    public string ToJson() => PythonJson.Write(new JsonObject
    {
        ["format"] = Format,
        ["base"] = Base is null ? null : new JsonObject { ["shapes"] = Base.Shapes, ["weights"] = Base.Weights },
        ["quantization"] = Quantization is not { } q ? null : new JsonObject
        {
            ["quant_type"] = q.TypeName,
            ["blocksize"] = q.BlockSize,
            ["double_quant"] = q.DoubleQuantization,
            ["skip_modules"] = new JsonArray([.. q.Skip.Select(s => (JsonNode)s)]),
        },
        ["run"] = Run?.DeepClone(),
    }) + "\n";
}
