using System.Text.Json;
using LowRank.Adapters;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;
using LowRank.Models.Generation;
using LowRank.Models.Tests.Decoder;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Generation;

/// <summary>Greedy tokens of the tiny models by transformers 5.23, generated in batches of prompts of different lengths.</summary>
[Trait("Category", "Golden")]
public sealed class GenerateGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("models/generate", ModelGoldenTests.Cases.Where(c => c.Data.Length > 0).Select(c => c.Data), ModelGoldenTests.Skip);

    // These models come without tokenizer: here only ids count.
    private static LanguageModel Load(string name)
    {
        var tokenizer = Golden.At("tokenizers", "synthetic-bytelevel", "tokenizer.json");
        Assert.SkipUnless(File.Exists(tokenizer), $"absent: {tokenizer}");
        var folder = Golden.At("models", name);
        return new LanguageModel(name, ModelConfig.Load(Path.Combine(folder, "config.json")), ModelGoldenTests.Load(name), Tokenizer.Load(tokenizer), new TokenizerConfig(), null, [], new BaseFingerprintBuilder().Finish())
        {
            Files = new ModelFiles(folder),
        };
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_transformers_in_a_batch_of_different_lengths(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", name, "reference.json")));
        var generate = reference.RootElement.GetProperty("generate");
        int[] prompt = Ints(generate.GetProperty("prompt")), wanted = Ints(generate.GetProperty("new_tokens"));
        using var model = Load(name);
        // The prompt with more and more of its own continuation: each must give the rest. Between them, prompts with no common beginning.
        var prompts = Enumerable.Range(0, wanted.Length).Select(n => (int[])[.. prompt, .. wanted[..n]]).ToList();
        int[][] others = [[.. prompt.Reverse()], [prompt[^1]], [.. wanted, .. prompt, .. wanted]];
        prompts.AddRange(others);
        var together = model.GenerateBatch(prompts, new GenerationOptions { MaxNewTokens = wanted.Length }, batchSize: 7);
        for (var n = 0; n < wanted.Length; n++) Assert.Equal(wanted[n..], together[n].Ids.Take(wanted.Length - n));
        for (var i = 0; i < others.Length; i++)
        {
            var alone = model.GenerateBatch([others[i]], new GenerationOptions { MaxNewTokens = wanted.Length }, batchSize: 1)[0];
            Assert.Equal(alone.Ids, together[wanted.Length + i].Ids);
            Assert.Equal(FinishReason.Length, alone.Finish);
        }
    }

    private static int[] Ints(JsonElement json) => [.. json.EnumerateArray().Select(n => n.GetInt32())];
}
