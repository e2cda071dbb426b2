using System.Text.Json;
using LowRank.Models.Checkpoints;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Evaluation;

namespace LowRank.Training.Tests.Evaluation;

/// <summary>The real SmolLM2 on CLINC150 before training, as PEFT measured it.</summary>
[Trait("Category", "RealModel")]
public sealed class ClincBaseTests(ITestOutputHelper output)
{
    [Fact]
    public void The_held_out_loss_of_the_base_is_that_of_transformers()
    {
        var path = RealModels.Require(RealModels.SmolLM2);
        var data = Dataset.Load(RealData.Require("clinc/intents-20.test.jsonl"));
        var file = Golden.At("smollm2", "clinc.json");
        Assert.SkipUnless(File.Exists(file), $"absent: {file}");
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        var before = json.RootElement.GetProperty("before");
        using var model = ModelLoader.Load(path, new ModelLoadOptions());
        var result = Evaluator.Evaluate(model, data.Rows, new EvaluationOptions { BatchSize = 32 });
        output.WriteLine($"loss {result.Loss:f6}, transformers {before.GetProperty("test_loss").GetDouble():f6}; {result.SupervisedTokens} tokens");
        Assert.Equal(json.RootElement.GetProperty("test_rows").GetInt32(), result.Rows);
        // Both in fp32; a mean over thousands of tokens, each within 1e-4 (SmolLM2GenerationTests).
        Assert.Equal(before.GetProperty("test_loss").GetDouble(), result.Loss, 1e-4);

        // As many of the first rows as take a few seconds: an untrained model does not answer with bare intents.
        var exact = Evaluator.ExactMatch(model, [.. data.Rows.Take(32)], new EvaluationOptions());
        output.WriteLine($"exact match {exact.Accuracy:p1} of {exact.Rows} rows; got for example '{exact.Wrong[0].Got}' for '{exact.Wrong[0].Expected}'");
        Assert.Equal(before.GetProperty("test_accuracy").GetDouble(), exact.Accuracy, 0.05);
    }
}
