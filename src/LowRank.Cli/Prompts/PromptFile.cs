using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Cli.Prompts;

/// <summary>Reads the prompts of a file.</summary>
internal static class PromptFile
{
    /// <summary>The prompts, in their order.</summary>
    /// <param name="path">Lines of text, a <c>.jsonl</c> file with the field <c>prompt</c>, or <c>-</c> for lines of the input.</param>
    /// <param name="input">The input.</param>
    /// <exception cref="LowRankException">The file is missing, empty, or a line of it is not JSON with a prompt.</exception>
    public static IReadOnlyList<string> Read(string path, TextReader input)
    {
        if (path != "-" && !File.Exists(path)) throw new LowRankException($"{path}: there is no such file; --file takes a file with a prompt on each line.");
        var lines = path == "-" ? Lines(input) : File.ReadLines(path);
        var isJson = Path.GetExtension(path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase);
        var prompts = lines.Select((line, i) => (Line: line, Number: i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.Line))
            .Select(l => isJson ? OfJson(path, l.Line, l.Number) : l.Line).ToList();
        return prompts.Count > 0 ? prompts : throw new LowRankException($"{path} holds no prompt.");
    }

    private static string OfJson(string path, string line, int number)
    {
        try
        {
            var json = StrictJson.Element(System.Text.Encoding.UTF8.GetBytes(line));
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("prompt", out var prompt) && prompt.ValueKind == JsonValueKind.String
                ? prompt.GetString()! : throw new LowRankException($"{path}:{number}: expected an object with a text \"prompt\"");
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{path}:{number}:{error.BytePositionInLine + 1}: not JSON: {error.Message.Split(" LineNumber")[0]}", error);
        }
    }

    private static IEnumerable<string> Lines(TextReader input)
    {
        while (input.ReadLine() is { } line) yield return line;
    }
}
