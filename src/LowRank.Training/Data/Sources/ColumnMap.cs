namespace LowRank.Training.Data.Sources;

/// <summary>What a user writes to say what fields are called: <c>prompt=question,response=answer</c>, the field first, then its name in the file.</summary>
internal static class ColumnMap
{
    private static readonly string[] Known =
        ["prompt", "completion", "instruction", "input", "output", "system", "history", "messages", "conversations", "tools", "text", "input_ids", "labels", "attention_mask", "chosen", "rejected", "label"];

    // Other names that fields go by: the one text stands for whichever of them the shape has.
    private static readonly Dictionary<string, string[]> Aliases = new(StringComparer.Ordinal)
    {
        ["response"] = ["completion", "output"], ["answer"] = ["completion", "output"], ["question"] = ["prompt"], ["query"] = ["prompt"], ["context"] = ["input"], ["kto_tag"] = ["label"],
    };

    /// <exception cref="LowRankException">The text is not pairs of a known field and a name.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string? text)
    {
        var columns = new Dictionary<string, string>(StringComparer.Ordinal);
        if (string.IsNullOrWhiteSpace(text)) return columns;
        foreach (var pair in text.Split(','))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var (field, name) = equals < 0 ? (pair.Trim(), "") : (pair[..equals].Trim(), pair[(equals + 1)..].Trim());
            if (name.Length == 0) throw new LowRankException($"--columns {text}: \"{pair.Trim()}\" is not FIELD=NAME, such as prompt=question");
            if (!Known.Contains(field, StringComparer.Ordinal) && !Aliases.ContainsKey(field))
                throw new LowRankException($"--columns {text}: there is no field \"{field}\"; expected one of {string.Join(", ", Known)}, or response for the answer. The field comes first, then its name in the file.");
            foreach (var one in Aliases.GetValueOrDefault(field) ?? [field]) columns[one] = name;
        }
        return columns;
    }
}
