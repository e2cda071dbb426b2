using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LowRank.Training.Data.Reports;

/// <summary>Hashes by which rows of the same content are found, whatever file, line and spelling of JSON they have.</summary>
internal static class RowHash
{
    /// <summary>All that the row says.</summary>
    public static UInt128 Of(DataRow row)
    {
        var hash = new XxHash128();
        Prompt(row, hash);
        if (row.Chosen is null && row.Messages is { } messages && Answer(messages) is >= 0 and var last)
            foreach (var message in messages.EnumerateArray().Skip(last)) Add(message, hash);
        Add(row.Completion, hash);
        foreach (var choice in row.Choices ?? []) Add(choice, hash);
        foreach (var side in (JsonElement?[])[row.Chosen, row.Rejected])
            if (side is { } answer) Add(answer, hash);
        if (row.Label is { } label) Add(label ? "good" : "bad", hash);
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>What stands before the answer; null for rows without one.</summary>
    public static UInt128? OfPrompt(DataRow row)
    {
        if (row.Text is not null || row.InputIds is not null) return null;
        var hash = new XxHash128();
        Prompt(row, hash);
        return hash.GetCurrentHashAsUInt128();
    }

    private static void Prompt(DataRow row, XxHash128 hash)
    {
        Add(row.Text, hash);
        Add(row.Prompt, hash);
        if (row.InputIds is { } ids) hash.Append(MemoryMarshal.AsBytes<int>(ids.ToArray()));
        if (row.Messages is not { } messages) return;
        var answer = Answer(messages);
        // Of a preference row all messages are the prompt.
        foreach (var message in messages.EnumerateArray().Take(row.Chosen is not null || answer < 0 ? int.MaxValue : answer)) Add(message, hash);
    }

    /// <summary>The last assistant turn, or -1.</summary>
    private static int Answer(JsonElement messages) =>
        messages.EnumerateArray().Index().Where(m => m.Item.TryGetProperty("role"u8, out var role) && role.ValueEquals("assistant"u8)).Select(m => m.Index).LastOrDefault(-1);

    private static void Add(JsonElement value, XxHash128 hash)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                // The order of members says nothing.
                foreach (var member in value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    Add(member.Name, hash);
                    Add(member.Value, hash);
                }
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray()) Add(item, hash);
                break;
            case JsonValueKind.String: Add(value.GetString(), hash); break;
            default: Add(value.GetRawText(), hash); break;
        }
    }

    private static void Add(string? text, XxHash128 hash)
    {
        if (text is null) return;
        hash.Append(MemoryMarshal.AsBytes<int>([text.Length]));
        hash.Append(MemoryMarshal.AsBytes(text.AsSpan()));
    }
}
