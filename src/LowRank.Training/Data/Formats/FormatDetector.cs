using System.Text.Json;
using LowRank.Training.Data.Choices;

namespace LowRank.Training.Data.Formats;

/// <summary>Recognises the shape of rows from the keys of one.</summary>
internal static class FormatDetector
{
    public const string Expected =
        "messages | conversations | instruction and output | prompt and completion | question and answer | chosen and rejected | text | input_ids";

    /// <summary>Pairs of fields that are read as prompt and completion; the first is the usual one.</summary>
    private static readonly (string Prompt, string Completion)[] Pairs =
        [("prompt", "completion"), ("question", "answer"), ("prompt", "response"), ("query", "response"), ("input", "output"), ("input", "target")];

    /// <summary>The fields of a pair of usual names that a row has.</summary>
    public static (string Prompt, string Completion)? PairIn(JsonElement row)
    {
        foreach (var (prompt, completion) in Pairs)
            if (row.TryGetProperty(prompt, out _) && row.TryGetProperty(completion, out _)) return (prompt, completion);
        return null;
    }

    /// <summary>The shape, and what its fields are called where not as usual; null for an unknown one.</summary>
    /// <param name="row">A row.</param>
    /// <param name="columns">What fields are called.</param>
    /// <param name="isTable">A header of CSV names columns as its author liked: pairs of other names than prompt and completion are not guessed there, but mapped.</param>
    public static (DataFormat Format, IReadOnlyDictionary<string, string> Columns)? Detect(JsonElement row, IReadOnlyDictionary<string, string> columns, bool isTable = false)
    {
        if (row.ValueKind != JsonValueKind.Object) return null;
        bool Has(string field) => row.TryGetProperty(columns.GetValueOrDefault(field, field), out _);
        (DataFormat, IReadOnlyDictionary<string, string>) As(DataFormat format, params (string Field, string Name)[] renamed)
        {
            var merged = new Dictionary<string, string>(columns, StringComparer.Ordinal);
            foreach (var (field, name) in renamed)
                if (field != name) merged.TryAdd(field, name);
            return (format, merged);
        }
        // What the user mapped says what is wanted of rows that have more.
        if (columns.ContainsKey("completion") && Has("prompt") && Has("completion") && !columns.ContainsKey("label")) return As(DataFormat.PromptCompletion);
        if (Has("chosen") || Has("rejected")) return As(DataFormat.Preference, ("prompt", !Has("prompt") && Has("question") ? "question" : "prompt"));
        if (Has("label") && (Has("completion") || Has("messages") || Has("conversations"))) return As(DataFormat.Kto);
        // LLaMA-Factory's name for it, beside rows of each of its kinds.
        if (Has("kto_tag") && !columns.ContainsKey("label") && (Has("completion") || Has("response") || Has("messages") || Has("conversations") || Has("instruction")))
            return As(DataFormat.Kto, ("label", "kto_tag"), ("completion", Has("completion") || !Has("response") ? "completion" : "response"));
        if (MultipleChoiceFormat.Names(Has) is { } choice) return As(DataFormat.MultipleChoice, choice);
        if (Has("input_ids")) return As(DataFormat.Pretokenized);
        if (Has("messages")) return As(DataFormat.Messages);
        if (Has("conversations")) return As(DataFormat.ShareGpt);
        if (Has("instruction"))
            return As(DataFormat.Alpaca, Has("output") || !Has("response") ? ("output", "output") : ("output", "response"), Has("input") || !Has("context") ? ("input", "input") : ("input", "context"));
        foreach (var (prompt, completion) in isTable ? Pairs[..1] : Pairs)
            if (Has(prompt) && Has(completion)) return As(DataFormat.PromptCompletion, ("prompt", prompt), ("completion", completion));
        return Has("text") ? As(DataFormat.Text) : null;
    }
}
