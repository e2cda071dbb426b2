using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Cli.Prompts;

/// <summary>Reads the prompts of a file.</summary>
internal static class PromptFile
{
    /// <summary>The prompts, in their order.</summary>
    /// <param name="path">
    /// Lines of text, a <c>.jsonl</c> file with the field <c>prompt</c> and, where a line is to be answered by another adapter, <c>adapter</c> (null for the base alone), or <c>-</c> for lines of the input.
    /// </param>
    /// <param name="input">The input.</param>
    /// <param name="adapter">The adapter of lines that name none.</param>
    /// <exception cref="LowRankException">The file is missing, empty, or a line of it is not JSON with a prompt.</exception>
    public static IReadOnlyList<Prompt> Read(string path, TextReader input, string? adapter)
    {
        if (path != "-" && !File.Exists(path)) throw new LowRankException($"{path}: there is no such file; --file takes a file with a prompt on each line.");
        var lines = path == "-" ? Lines(input) : File.ReadLines(path);
        var isJson = Path.GetExtension(path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase);
        var prompts = lines.Select((line, i) => (Line: line, Number: i + 1)).Where(l => !string.IsNullOrWhiteSpace(l.Line))
            .Select(l => isJson ? OfJson(path, l.Line, l.Number, adapter) : new Prompt(l.Line, adapter)).ToList();
        return prompts.Count > 0 ? prompts : throw new LowRankException($"{path} holds no prompt.");
    }

    private static Prompt OfJson(string path, string line, int number, string? adapter)
    {
        try
        {
            var json = StrictJson.Element(System.Text.Encoding.UTF8.GetBytes(line));
            if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("prompt", out var prompt) || prompt.ValueKind != JsonValueKind.String)
                throw new LowRankException($"{path}:{number}: expected an object with a text \"prompt\"");
            if (!json.TryGetProperty("adapter", out var own)) return new Prompt(prompt.GetString()!, adapter);
            return own.ValueKind is JsonValueKind.String or JsonValueKind.Null ? new Prompt(prompt.GetString()!, own.GetString())
                : throw new LowRankException($"{path}:{number}: \"adapter\" is a folder or a hub id, or null for the base model alone");
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
