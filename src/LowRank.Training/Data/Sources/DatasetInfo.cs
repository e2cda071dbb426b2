using System.Text.Json;
using LowRank.Formats;
using LowRank.Training.Data.Formats;

namespace LowRank.Training.Data.Sources;

/// <summary>
/// LLaMA-Factory's <c>dataset_info.json</c>: what the data sets of a folder are called, in which files they are, and what their columns and speakers are called
/// (https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md). Entries that only name a place on a hub are not read.
/// </summary>
internal sealed class DatasetInfo
{
    public const string FileName = "dataset_info.json";

    /// <summary>Columns of LLaMA-Factory, to the fields that are read here, for rows of Alpaca's kind.</summary>
    private static readonly Dictionary<string, string> Fields = new(StringComparer.Ordinal)
    {
        ["prompt"] = "instruction", ["query"] = "input", ["response"] = "output", ["history"] = "history", ["system"] = "system", ["tools"] = "tools",
        ["messages"] = "conversations", ["chosen"] = "chosen", ["rejected"] = "rejected", ["kto_tag"] = "label",
    };

    private static readonly (string Tag, string Speaker)[] SpeakerTags =
        [("user_tag", "human"), ("assistant_tag", "gpt"), ("observation_tag", "observation"), ("function_tag", "function_call"), ("system_tag", "system")];

    private static readonly Dictionary<string, string> OpenAi = new(StringComparer.Ordinal) { ["user"] = "human", ["assistant"] = "gpt", ["tool"] = "observation", ["system"] = "system" };

    private readonly string folder;
    private readonly JsonElement entries;

    private DatasetInfo(string folder, JsonElement entries) => (this.folder, this.entries) = (folder, entries);

    /// <summary>The names of the data sets that are files of the folder.</summary>
    public IReadOnlyList<string> Names => [.. entries.EnumerateObject().Where(e => e.Value.ValueKind == JsonValueKind.Object && Text(e.Value, "file_name") is not null).Select(e => e.Name)];

    /// <summary>The file of a folder, or null where there is none.</summary>
    /// <exception cref="LowRankException">It is not a JSON object.</exception>
    public static DatasetInfo? In(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            var json = StrictJson.Element(File.ReadAllBytes(path));
            return json.ValueKind == JsonValueKind.Object ? new DatasetInfo(folder, json) : throw new LowRankException($"{path}: expected an object with a member for each data set");
        }
        catch (JsonException fault)
        {
            throw new LowRankException($"{path}: not JSON: {fault.Message}", fault);
        }
    }

    /// <summary>The file of a data set and how it is read, or null for a name that is not there.</summary>
    /// <exception cref="LowRankException">The entry names no file, or asks for what is not read.</exception>
    public LocatedFile? Find(string name, DatasetOptions options)
    {
        if (!entries.TryGetProperty(name, out var entry) || entry.ValueKind != JsonValueKind.Object) return null;
        var where = $"{Path.Combine(folder, FileName)}: {name}";
        var file = Text(entry, "file_name") ?? throw new LowRankException($"{where} names no file_name. Data of a hub is named by its id: --data org/name.");
        if (entry.TryGetProperty("num_samples", out var samples) && samples.ValueKind == JsonValueKind.Number)
            throw new LowRankException($"{where} has num_samples, which is not read here: take it out and use --max-samples.");
        var isShareGpt = Text(entry, "formatting") switch
        {
            null or "alpaca" => false,
            "sharegpt" or "openai" => true,
            var other => throw new LowRankException($"{where} has the formatting \"{other}\"; expected alpaca or sharegpt"),
        };
        var columns = Columns(entry);
        return new LocatedFile(Path.Combine(folder, file), options with
        {
            Format = options.Format ?? Format(entry, columns, isShareGpt),
            Columns = Merged(Mapped(columns, isShareGpt, entry), options.Columns),
            Tags = isShareGpt ? Tags(entry) : null,
        });
    }

    private static DataFormat Format(JsonElement entry, Dictionary<string, string> columns, bool isShareGpt)
    {
        if (entry.TryGetProperty("ranking", out var ranking) && ranking.ValueKind == JsonValueKind.True) return DataFormat.Preference;
        if (columns.ContainsKey("kto_tag")) return DataFormat.Kto;
        if (isShareGpt) return DataFormat.ShareGpt;
        // A prompt alone is text to go on with: LLaMA-Factory's data for pre-training.
        return columns.ContainsKey("prompt") && !columns.ContainsKey("response") ? DataFormat.Text : DataFormat.Alpaca;
    }

    private static Dictionary<string, string> Mapped(Dictionary<string, string> columns, bool isShareGpt, JsonElement entry)
    {
        var isText = Format(entry, columns, isShareGpt) == DataFormat.Text;
        var mapped = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (column, name) in columns)
            if (isText && column == "prompt") mapped["text"] = name;
            else if (Fields.TryGetValue(column, out var field)) mapped[field] = name;
        return mapped;
    }

    private static Dictionary<string, string> Merged(Dictionary<string, string> own, IReadOnlyDictionary<string, string> asked)
    {
        foreach (var (field, name) in asked) own[field] = name;
        return own;
    }

    private static Dictionary<string, string> Columns(JsonElement entry) => entry.TryGetProperty("columns", out var columns) && columns.ValueKind == JsonValueKind.Object
        ? columns.EnumerateObject().Where(c => c.Value.ValueKind == JsonValueKind.String).ToDictionary(c => c.Name, c => c.Value.GetString()!, StringComparer.Ordinal)
        : new Dictionary<string, string>(StringComparer.Ordinal);

    private static TurnTags? Tags(JsonElement entry)
    {
        if (!entry.TryGetProperty("tags", out var tags) || tags.ValueKind != JsonValueKind.Object) return null;
        var speakers = SpeakerTags.Where(t => Text(tags, t.Tag) is not null).ToDictionary(t => Text(tags, t.Tag)!, t => t.Speaker, StringComparer.Ordinal);
        var (role, content) = (Text(tags, "role_tag") ?? "from", Text(tags, "content_tag") ?? "value");
        // OpenAI's own names are read as they are.
        return role == "role" && content == "content" && speakers.All(s => OpenAi.GetValueOrDefault(s.Key) == s.Value) ? null : new TurnTags(role, content, speakers);
    }

    private static string? Text(JsonElement json, string member) => json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
