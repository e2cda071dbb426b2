using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LowRank.Formats;

namespace LowRank.Training.Comparison.Parts;

/// <summary>The files of one part: the request, the result, and the folder of what was trained.</summary>
/// <param name="Path">The path that they have in common.</param>
internal sealed record PartFiles(string Path)
{
    private const string RequestEnd = ".request.json";

    /// <summary>The request; it is there while the part is being done.</summary>
    public string Request => Path + RequestEnd;

    /// <summary>The result; it is there when the part is done.</summary>
    public string Result => Path + ".json";

    /// <summary>The folder of a training run.</summary>
    public string Weights => Path + ".weights";

    /// <summary>The files of a request.</summary>
    public static PartFiles OfRequest(string request) => request.EndsWith(RequestEnd, StringComparison.Ordinal) ? new PartFiles(request[..^RequestEnd.Length])
        : throw new LowRankException($"{request} is no request of a comparison: its name does not end with {RequestEnd}.");

    /// <summary>The result of a finished part, or null where there is none.</summary>
    /// <exception cref="LowRankException">The file is damaged, or was made with other settings.</exception>
    public PartResult? Read(PartRequest request)
    {
        if (!File.Exists(Result)) return null;
        var result = Read(Result, ComparisonJson.Default.PartResult);
        if (Bytes(result.Request).AsSpan().SequenceEqual(Bytes(request))) return result;
        var differences = LowRank.Training.Settings.SettingsBinder.Differences(result.Request.Settings, request.Settings).Select(d => $"--{d.Setting.Key} {d.First ?? "auto"}, now {d.Second ?? "auto"}").ToList();
        throw new LowRankException($"{Result} is of a comparison with other settings or data{(differences.Count > 0 ? $" ({string.Join("; ", differences)})" : "")}. Go on with the same ones, or take another folder: --output FOLDER.");
    }

    /// <summary>Reads a request.</summary>
    /// <exception cref="LowRankException">It is missing or damaged.</exception>
    public PartRequest ReadRequest() => Read(Request, ComparisonJson.Default.PartRequest);

    /// <summary>Writes a request.</summary>
    public void Write(PartRequest request) => AtomicFile.WriteAllBytes(Request, Bytes(request));

    /// <summary>Writes a result.</summary>
    public void Write(PartResult result) => AtomicFile.WriteAllBytes(Result, JsonSerializer.SerializeToUtf8Bytes(result, ComparisonJson.Default.PartResult));

    private static byte[] Bytes(PartRequest request) => JsonSerializer.SerializeToUtf8Bytes(request, ComparisonJson.Default.PartRequest);

    private static T Read<T>(string path, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type) ?? throw new LowRankException($"{path} is empty. Delete it, and it is made anew.");
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{path}, line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0]} Delete it, and it is made anew.", error);
        }
    }
}
