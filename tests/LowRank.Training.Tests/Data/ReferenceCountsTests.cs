using System.Text.Json;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>fixtures/smollm2/gsm8k.json says how many tokens PEFT's run saw in the real GSM8K files.</summary>
[Trait("Category", "RealModel")]
public sealed class ReferenceCountsTests
{
    [Fact]
    public void Gsm8k_has_as_many_tokens_as_in_the_reference_run()
    {
        var (train, test) = (RealData.Require("gsm8k/train.jsonl"), RealData.Require("gsm8k/test.jsonl"));
        var (reference, tokenizers) = (Golden.At("smollm2", "gsm8k.json"), Golden.At("tokenizers", "smollm2"));
        Assert.SkipUnless(File.Exists(reference) && Directory.Exists(tokenizers), $"smollm2/gsm8k.json or tokenizers/smollm2 is not in {Golden.Root}");
        var json = JsonElement.Parse(File.ReadAllBytes(reference));
        var builder = new ExampleBuilder(Tokenizer.Load(tokenizers), new ChatTemplate(File.ReadAllText(Path.Combine(tokenizers, "chat_template.jinja"))));
        ExampleSet Build(string file, string rows) => builder.Build([.. Dataset.Load(file).Rows.Take(json.GetProperty(rows).GetInt32())]);

        Assert.Equal(json.GetProperty("train_tokens").GetInt64(), Build(train, "train_rows").Tokens);
        var supervised = Build(test, "test_rows").SupervisedTokens;
        Assert.All(json.GetProperty("runs").EnumerateObject(), run => Assert.Equal(run.Value.GetProperty("test_tokens").GetInt64(), supervised));
    }
}
