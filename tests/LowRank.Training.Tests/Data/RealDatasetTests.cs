using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

[Trait("Category", "RealModel")]
public sealed class RealDatasetTests
{
    [Theory]
    [InlineData("clinc/intents-20.train.jsonl", DataFormat.Messages, 800), InlineData("clinc/intents-150.test.jsonl", DataFormat.Messages, 4500)]
    [InlineData("gsm8k/train.jsonl", DataFormat.PromptCompletion, 7473), InlineData("llama-factory/identity.json", DataFormat.Alpaca, 91)]
    [InlineData("llama-factory/alpaca_en_demo.json", DataFormat.Alpaca, 999), InlineData("llama-factory/glaive_toolcall_en_demo.json", DataFormat.ShareGpt, 300)]
    [InlineData("llama-factory/c4_demo.jsonl", DataFormat.Text, 300), InlineData("llama-factory/dpo_en_demo.json", DataFormat.Preference, 300)]
    [InlineData("llama-factory/kto_en_demo.json", DataFormat.Kto, 300), InlineData("clinc/intents-20.valid.jsonl", DataFormat.Messages, 300)]
    [InlineData("clinc/intents-20.test.jsonl", DataFormat.Messages, 600), InlineData("clinc/intents-150.train.jsonl", DataFormat.Messages, 7500)]
    [InlineData("clinc/intents-150.valid.jsonl", DataFormat.Messages, 3000), InlineData("gsm8k/test.jsonl", DataFormat.PromptCompletion, 1319)]
    public void Loads_without_complaint(string file, DataFormat format, int rows)
    {
        var data = Dataset.Load(RealData.Require(file));
        Assert.Equal((format, rows), (data.Format, data.Rows.Count));
        Assert.Empty(data.Problems);
    }

    [Theory]
    [InlineData("llama-factory/dpo_en_demo.json", "compares two answers"), InlineData("llama-factory/kto_en_demo.json", "the objective KTO")]
    public void Rows_for_other_objectives_load_and_do_not_train(string file, string needed) =>
        Assert.Contains(needed, Assert.Throws<DatasetException>(Dataset.Load(RealData.Require(file)).RequireTrainable).Message, StringComparison.Ordinal);

    // The entries that LLaMA-Factory's own data/dataset_info.json has for these files.
    [Theory]
    [InlineData("identity", DataFormat.Alpaca, 91), InlineData("alpaca_en_demo", DataFormat.Alpaca, 999), InlineData("glaive_toolcall_en_demo", DataFormat.ShareGpt, 300)]
    [InlineData("dpo_en_demo", DataFormat.Preference, 300), InlineData("kto_en_demo", DataFormat.Kto, 300), InlineData("c4_demo", DataFormat.Text, 300)]
    public void Names_of_a_dataset_info_load_as_the_files_do(string name, DataFormat format, int rows)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(RealData.Require("llama-factory/identity.json"))!)) File.Copy(file, folder.At(Path.GetFileName(file)));
        folder.Write("dataset_info.json", """
            {
              "identity": {"file_name": "identity.json"},
              "alpaca_en_demo": {"file_name": "alpaca_en_demo.json"},
              "alpaca_en": {"hf_hub_url": "llamafactory/alpaca_en"},
              "glaive_toolcall_en_demo": {"file_name": "glaive_toolcall_en_demo.json", "formatting": "sharegpt", "columns": {"messages": "conversations", "tools": "tools"}},
              "dpo_en_demo": {"file_name": "dpo_en_demo.json", "ranking": true, "formatting": "sharegpt", "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}},
              "kto_en_demo": {"file_name": "kto_en_demo.json", "formatting": "sharegpt", "columns": {"messages": "messages", "kto_tag": "label"},
                              "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}},
              "c4_demo": {"file_name": "c4_demo.jsonl", "columns": {"prompt": "text"}}
            }
            """);
        var data = DataSource.Load($"{folder.Path}:{name}");
        Assert.Equal((format, rows), (data.Format, data.Rows.Count));
        Assert.Empty(data.Problems);
        var plain = Dataset.Load(data.Path);
        Assert.Equal(plain.Rows.Select(r => (r.Messages?.GetRawText(), r.Text, r.Chosen?.GetRawText(), r.Label)), data.Rows.Select(r => (r.Messages?.GetRawText(), r.Text, r.Chosen?.GetRawText(), r.Label)));
    }
}
