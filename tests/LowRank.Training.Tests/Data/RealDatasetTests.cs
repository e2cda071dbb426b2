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
    public void Loads_without_complaint(string file, DataFormat format, int rows)
    {
        var data = Dataset.Load(RealData.Require(file));
        Assert.Equal((format, rows), (data.Format, data.Rows.Count));
        Assert.Empty(data.Problems);
    }

    [Theory]
    [InlineData("llama-factory/kto_en_demo.json", "KTO")]
    public void Rows_for_later_objectives_are_named(string file, string name) =>
        Assert.Contains(name, Assert.Throws<DatasetException>(() => Dataset.Load(RealData.Require(file))).Message, StringComparison.Ordinal);
}
