using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;

namespace LowRank.Runtime.ComputeTypes;

/// <summary>Measured speeds of this machine, a file for each question, so that the same run takes the same dtype tomorrow whatever else the machine is doing then.</summary>
/// <param name="folder">Where they lie.</param>
internal sealed class SpeedFile(string folder)
{
    private const string Question = "question", Fp32 = "fp32_gflops", Bf16 = "bf16_gflops";

    /// <summary>What was measured for a question; null where nothing was, or where the file cannot be read: then it is measured again and written anew.</summary>
    /// <param name="question">Processor, library, threads, sizes.</param>
    public ProductSpeeds? Find(string question)
    {
        var path = PathOf(question);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) is JsonObject found && (string?)found[Question] == question && (double?)found[Fp32] is { } fp32 && (double?)found[Bf16] is { } bf16
                ? new(fp32, bf16) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Keeps an answer.</summary>
    /// <returns>Why it could not be kept, or null.</returns>
    public string? Keep(string question, ProductSpeeds speeds)
    {
        try
        {
            AtomicFile.WriteAllText(PathOf(question), new JsonObject { [Question] = question, [Fp32] = speeds.Fp32Gflops, [Bf16] = speeds.Bf16Gflops }.ToJsonString());
            return null;
        }
        catch (LowRankException e)
        {
            return e.Message;
        }
    }

    private string PathOf(string question) => Path.Combine(folder, $"products-{Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(question)))}.json");
}
