namespace LowRank.Training.Import.Axolotl;

/// <summary>axolotl's data sets: where they are, and what their rows become.</summary>
internal static class AxolotlData
{
    // Keys of a data set that do not change its rows.
    private static readonly string[] WithoutEffect = ["path", "type", "split", "name", "data_files", "ds_type", "revision", "trust_remote_code", "preprocess_shards", "conversation", "chat_template"];

    private static readonly Dictionary<string, string[]> Standard = new(StringComparer.Ordinal)
    {
        ["field_messages"] = ["messages", "conversations"], ["message_field_role"] = ["role", "from"], ["message_field_content"] = ["content", "value"], ["field_human"] = ["human", "user"], ["field_model"] = ["gpt", "assistant"],
        ["roles_to_train"] = ["assistant", "gpt"], ["train_on_eos"] = ["turn", "all"], ["train_on_eot"] = ["turn", "all"], ["field"] = ["text"], ["field_tools"] = ["tools"], ["message_property_mappings"] = ["role", "from", "content", "value"],
        ["roles"] = ["user", "human", "assistant", "gpt", "system", "tool"],
    };

    /// <summary>Reads the data and how it is cut.</summary>
    public static void Read(SourceReader reader)
    {
        if (reader.Options.Data is null) Set(reader, "datasets", "data");
        else reader.Skip("--data is given", "datasets");
        Set(reader, "test_datasets", "validation");
        if (reader.Number("val_set_size") is > 0 and var held) reader.Set("validation", SourceReader.Format(held), "val_set_size");
        reader.Copy("sequence_len", "max-length", "512");
        reader.CopyFlag("sample_packing", "packing");
        if (reader.Flag("train_on_inputs") == true) reader.Set("train-on", "all", "train_on_inputs");
        if ((reader.Text("excess_length_strategy") ?? "drop") is var strategy and not "truncate")
            reader.Run.Note($"Rows beyond sequence_len: axolotl {(strategy == "raise" ? "refuses them" : "leaves them out")} (excess_length_strategy: {strategy}); LowRank cuts them at max-length, leaves out those that then have nothing to learn, and tells how many there were.");
    }

    private static void Set(SourceReader reader, string key, string setting)
    {
        if (reader.Document.Take(key) is not { } value) return;
        if (value.Items is not [{ Members: { } first }])
        {
            reader.Refuse(key, $"{value.Items?.Count ?? 0} data sets: LowRank reads one file or data set. Put the rows together into one .jsonl file, and name it{(setting == "data" ? ": --data FILE" : "")}.");
            return;
        }
        if (first.GetValueOrDefault("path")?.Text is not { } path)
        {
            reader.Refuse(key, "the data set has no path.");
            return;
        }
        Check(reader, key, first);
        var (files, name) = (first.GetValueOrDefault("data_files")?.Texts, first.GetValueOrDefault("name")?.Text);
        if (files is { Count: > 1 }) reader.Refuse(key, $"data_files: {files.Count} files: LowRank reads one. Put the rows together into one .jsonl file, and name it.");
        if (name is not null) reader.Run.Note($"{key}: the configuration {name} of {path} is a folder or a file of the data set; name it as org/name:folder/split or org/name:file.");
        if (first.GetValueOrDefault("revision")?.Text is { } revision) path = $"{path}@{revision}";
        reader.Set(setting, DataParts.Of(path, first.GetValueOrDefault("split")?.Text, files is [var file] && file != path ? file : null), key, $"{key}: path{(first.ContainsKey("split") ? ", split" : "")}{(files is null ? "" : ", data_files")}");
    }

    private static void Check(SourceReader reader, string key, OrderedDictionary<string, SourceValue> entry)
    {
        var type = entry.GetValueOrDefault("type");
        if (type?.Members is not null) reader.Refuse(key, "type: a format of one's own. Write the rows as messages (role, content) or as instruction, input, output, and name the file: --data FILE.");
        else if (type?.Text is { } name)
        {
            var family = name.Split('.', ':')[0];
            if (family == "alpaca") reader.Run.Note("type alpaca: axolotl writes \"### Instruction:\" and \"### Response:\" around the texts. LowRank makes a question and an answer of a row, in the model's chat template; a model for chats needs the latter.");
            else if (family is not ("chat_template" or "sharegpt" or "completion")) reader.Refuse(key, $"type {name}: LowRank recognises messages, conversations (from, value), instruction with output, prompt with completion, and text. Write the rows so, and name the file: --data FILE.");
        }
        foreach (var (field, value) in entry)
        {
            if (value.IsNothing || WithoutEffect.Contains(field) || value.Flag == false) continue;
            if (Standard.TryGetValue(field, out var usual) && Names(value).All(usual.Contains)) continue;
            reader.Refuse(key, $"{field}: {value.Shown}: LowRank does not read rows so. Write them as messages (role, content), and name the file: --data FILE.");
        }
    }

    private static IEnumerable<string> Names(SourceValue value) => value.Members is { } members ? members.SelectMany(m => Names(m.Value).Append(m.Key)) : value.Texts ?? [value.Shown];
}
