namespace LowRank.Training.Import.LlamaFactory;

/// <summary>The data sets that a file of LLaMA-Factory names: they are looked up in <c>dataset_info.json</c> of its folder of data.</summary>
internal static class LlamaFactoryData
{
    private const string TableName = "dataset_info.json";

    // What LowRank recognises by itself; see DataFormat.
    private static readonly Dictionary<string, string[]> Columns = new(StringComparer.Ordinal)
    {
        ["prompt"] = ["instruction"], ["query"] = ["input", "context"], ["response"] = ["output", "response"], ["history"] = ["history"], ["system"] = ["system"], ["tools"] = ["tools"],
        ["messages"] = ["conversations", "messages"], ["role_tag"] = ["from", "role"], ["content_tag"] = ["value", "content"], ["user_tag"] = ["human", "user"], ["assistant_tag"] = ["gpt", "assistant"],
        ["chosen"] = ["chosen"], ["rejected"] = ["rejected"], ["kto_tag"] = ["kto_tag", "label"], ["system_tag"] = ["system"], ["observation_tag"] = ["observation", "tool"], ["function_tag"] = ["function_call", "function"],
    };

    /// <summary>Reads <c>dataset</c> and <c>eval_dataset</c>.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="compares">Whether preferences or judged answers are learned.</param>
    public static void Read(SourceReader reader, bool compares)
    {
        var folder = reader.Text("dataset_dir") ?? "data";
        if (reader.Document.Has("dataset_dir")) reader.Run.HasNoEffect("dataset_dir", "where the names of data sets are looked up");
        Set(reader, "dataset", "data", folder, reader.Options.Data is not null, compares);
        Set(reader, "eval_dataset", "validation", folder, false, compares);
    }

    private static void Set(SourceReader reader, string key, string setting, string folder, bool isGiven, bool compares)
    {
        if (reader.Document.Take(key) is not { } value) return;
        if (isGiven)
        {
            reader.Run.HasNoEffect(key, "--data is given");
            return;
        }
        var names = value.Texts ?? [];
        if (names.Count != 1) reader.Refuse(key, $"{value.Shown}: LowRank reads one file or data set. Put the rows together into one .jsonl file, and name it{(setting == "data" ? ": --data FILE" : "")}.");
        else if (folder == "ONLINE") reader.Set(setting, names[0], key);
        else reader.Set(setting, Find(reader, key, names[0], folder, compares), key, $"{key}: {names[0]}");
    }

    private static string Find(SourceReader reader, string key, string name, string folder, bool compares)
    {
        if (TableOf(reader, folder) is not { } table)
        {
            reader.Run.Note($"{key} {name}: {Path.Combine(folder, TableName)}, in which LLaMA-Factory looks the name up, is not here. Write the path of the file or its hub id in its place.");
            return name;
        }
        if (SourceDocument.Load(table).Take(name)?.Members is not { } entry)
        {
            reader.Refuse(key, $"{name} is not in {table}.");
            return name;
        }
        if (!compares && entry.GetValueOrDefault("ranking")?.Flag == true) reader.Refuse(key, $"{name} holds preferences (ranking), and the file learns answers (stage sft). Take stage dpo or kto (docs/preferences.md).");
        foreach (var (field, given) in entry.Where(e => e.Key is "columns" or "tags").SelectMany(e => e.Value.Members?.AsEnumerable() ?? []))
            if (given.Text is { } called && !(Columns.TryGetValue(field, out var known) && known.Contains(called)))
                reader.Refuse(key, $"{name}: the field {field} is called {called} in its rows, which LowRank does not recognise. Rename it to {(Columns.TryGetValue(field, out var usual) ? usual[0] : "a field that it reads")}, and give the new file with --data FILE.");
        if (entry.GetValueOrDefault("subset")?.Text is { } subset) reader.Run.Note($"{key} {name}: its subset {subset} is a folder or a file of the data set; name it as org/name:folder/split or org/name:file.");
        if (entry.GetValueOrDefault("num_samples")?.Text is { } samples && key == "dataset") reader.Set("max-samples", samples, key, $"num_samples of {name}");
        var split = entry.GetValueOrDefault("split")?.Text;
        return entry.GetValueOrDefault("file_name")?.Text is { } file ? Path.Combine(Path.GetDirectoryName(table)!, file).Replace('\\', '/')
            : entry.GetValueOrDefault("hf_hub_url")?.Text is { } hub ? DataParts.Of(hub, split)
            : name;
    }

    // LLaMA-Factory looks from the folder that it is started in; its examples stand two folders below that.
    private static string? TableOf(SourceReader reader, string folder)
    {
        var (starts, beside) = (new List<string> { "" }, Path.GetDirectoryName(Path.GetFullPath(reader.Document.Path)));
        for (var i = 0; i < 3 && beside is not null; i++, beside = Path.GetDirectoryName(beside)) starts.Add(beside);
        return starts.Select(start => Path.Combine(start, folder, TableName)).FirstOrDefault(File.Exists);
    }
}
