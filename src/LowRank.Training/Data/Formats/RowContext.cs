using System.Globalization;
using System.Text.Json;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data.Formats;

/// <summary>A parsed row together with where it stands and where its problems go.</summary>
internal sealed class RowContext(RawRow raw, JsonElement row, DatasetOptions options, ProblemList problems)
{
    public JsonElement Row => row;
    /// <summary>Fields that hold lists, which a table can only have as JSON in a text.</summary>
    private static readonly string[] Structured = ["messages", "conversations", "history", "input_ids", "labels", "attention_mask", "chosen", "rejected", "label", "choices"];

    public TurnTags? Tags => options.Tags;
    public string File => problems.File;
    public int Line => raw.Line;
    public int Number => raw.Number;

    public void Error(string message) => problems.Error(raw.Line, Prefix + message);

    public void Warn(string message) => problems.Warn(raw.Line, Prefix + message);

    /// <summary>Told as a warning now, and kept in <see cref="NothingToLearn"/> for training, which refuses the row.</summary>
    public void WarnNothingToLearn(string reason)
    {
        NothingToLearn = Prefix + reason + ": nothing to learn from";
        problems.Warn(raw.Line, NothingToLearn);
    }

    /// <summary>Why the row holds nothing to learn from, or null.</summary>
    public string? NothingToLearn { get; private set; }

    /// <summary>A message with the number of the row, where its line says too little.</summary>
    public string Prefixed(string message) => Prefix + message;

    private string Prefix => raw.InArray ? string.Create(CultureInfo.InvariantCulture, $"row {raw.Number}: ") : "";

    /// <summary>The field's name in the file: another one where <see cref="DatasetOptions.Columns"/> says so.</summary>
    public string NameOf(string field) => options.Columns.GetValueOrDefault(field, field);

    /// <summary>A field that is there and not null.</summary>
    public bool TryField(string field, out JsonElement value) =>
        TryGet(field, out value) && value.ValueKind != JsonValueKind.Null;

    private bool TryGet(string field, out JsonElement value)
    {
        if (!row.TryGetProperty(NameOf(field), out value)) return false;
        if (!raw.IsTable || value.ValueKind != JsonValueKind.String || !Structured.Contains(field, StringComparer.Ordinal)) return true;
        var text = value.GetString()!.Trim();
        if (text.Length == 0) return false;
        if (text[0] is not ('[' or '{') && field != "label") return true;
        try
        {
            value = JsonElement.Parse(text.ToLowerInvariant() is "true" or "false" ? text.ToLowerInvariant() : text);
        }
        catch (JsonException)
        {
            // It stays a text, and whoever expects a list says so.
        }
        return true;
    }

    /// <summary>The field, or an error that shows the fields that are there.</summary>
    public JsonElement? Required(string field, string expected)
    {
        if (TryGet(field, out var value)) return value;
        Error($"no field \"{NameOf(field)}\" (expected {expected}); the row has {JsonNames.Keys(row)}");
        return null;
    }

    /// <summary>The text of a field. Null after an error was reported, or where the field is missing and not required.</summary>
    public string? Text(string field, bool required)
    {
        if (!row.TryGetProperty(NameOf(field), out var value))
        {
            if (required) Required(field, "a text");
            return null;
        }
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        if (value.ValueKind == JsonValueKind.Null && !required) return null;
        Error($"\"{NameOf(field)}\" is {JsonNames.Kind(value)}; expected a text");
        return null;
    }
}
