using LowRank.Training.Data;

namespace LowRank.Training.Import.Trl;

/// <summary>The data of TRL, and which of its tokens are learned.</summary>
internal static class TrlData
{
    /// <summary>Reads it.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="isKto">Whether answers are judged: of these no choice of tokens is left.</param>
    public static void Read(SourceReader reader, bool isKto)
    {
        ReadData(reader);
        if (isKto) reader.Skip("judged answers are compared as a whole", "assistant_only_loss", "completion_only_loss");
        else ReadLoss(reader);
    }

    private static void ReadData(SourceReader reader)
    {
        if (reader.Options.Data is not null)
        {
            reader.Skip("--data is given", "dataset_name", "dataset_config", "dataset_train_split", "datasets");
            return;
        }
        var (name, configuration, split) = (reader.Text("dataset_name"), reader.Text("dataset_config"), reader.Text("dataset_train_split"));
        if (name is not null) reader.Set("data", DataParts.Of(name, split), "dataset_name", split is null ? "dataset_name" : "dataset_name, dataset_train_split");
        if (configuration is not null) reader.Run.Note($"dataset_config {configuration}: a configuration is a folder or a file of the data set; name it as org/name:folder/split or org/name:file.");
        if (reader.Document.Take("datasets") is { } mixture) ReadMixture(reader, mixture);
        var test = reader.Text("dataset_test_split");
        if (name is null || !DataSource.IsOnHub(name)) return;
        if (reader.Document.Has("eval_strategy") && reader.Document.Take("eval_strategy")?.Text is not "no") reader.Set("validation", DataParts.Of(name, test ?? "test"), "dataset_test_split", test is null ? "TRL's default (dataset_test_split: test)" : null);
        else if (test is not null) reader.Run.HasNoEffect("dataset_test_split", "eval_strategy is no");
    }

    private static void ReadMixture(SourceReader reader, SourceValue mixture)
    {
        if (mixture.Items is not [{ Members: { } first }] || first.GetValueOrDefault("path")?.Text is not { } path)
        {
            reader.Refuse("datasets", $"{mixture.Items?.Count ?? 0} data sets: LowRank reads one file or data set. Put the rows together into one .jsonl file, and name it: --data FILE.");
            return;
        }
        foreach (var (key, value) in first)
            if (key is not ("path" or "split" or "data_files" or "columns") && !value.IsNothing) reader.Refuse("datasets", $"{key}: {value.Shown}: name a file or a split of the data set instead: --data org/name:file.");
        var files = first.GetValueOrDefault("data_files")?.Texts;
        if (files is { Count: > 1 }) reader.Refuse("datasets", $"data_files: {files.Count} files: LowRank reads one. Put the rows together into one .jsonl file, and name it: --data FILE.");
        // datasets' own builders, whose data are the files.
        var own = path is "json" or "text" ? files?[0] : null;
        reader.Set("data", own ?? DataParts.Of(path, first.GetValueOrDefault("split")?.Text, files?[0]), "datasets", "datasets: path, data_files, split");
    }

    // TRL learns every token of conversations and texts, and only the completion of prompts with completions: what it is for a file is seen in the file.
    private static void ReadLoss(SourceReader reader)
    {
        var (assistant, completion) = (reader.Flag("assistant_only_loss"), reader.Flag("completion_only_loss"));
        if (assistant == true) reader.Set("train-on", "assistant", "assistant_only_loss");
        else if (completion is { } only) reader.Set("train-on", only ? "assistant" : "all", "completion_only_loss");
        else
        {
            var data = reader.Options.Data ?? reader.Run.Lines.GetValueOrDefault("data")?.Value;
            var format = data is not null && File.Exists(data) ? Dataset.Load(data).Format : (DataFormat?)null;
            if (format is DataFormat.PromptCompletion) return;
            reader.Default("train-on", "all", "assistant_only_loss: false");
            if (format is null) reader.Run.Note("TRL learns every token of conversations and texts, questions included; of rows with prompt and completion it learns the completion alone. For the latter set train-on: assistant, which is LowRank's default and what most want of conversations, too (assistant_only_loss: true).");
        }
    }
}
