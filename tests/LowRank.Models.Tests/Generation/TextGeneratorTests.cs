using LowRank.Models.Checkpoints;
using LowRank.Models.Generation;
using LowRank.Training.Tests;
using static TorchSharp.torch;

namespace LowRank.Models.Tests.Generation;

/// <summary>Generation on a tiny model of random weights: batches against single rows, ends, limits, errors, memory.</summary>
[Collection(nameof(NativeTensors))]
public sealed class TextGeneratorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-generate-").FullName;
    private readonly LanguageModel model;

    public TextGeneratorTests() => model = ModelLoader.Load(TinyModel.Create(Path.Combine(folder, "model")), new ModelLoadOptions());

    private static int[] Prompt(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(1, 400))];
    }

    [Fact]
    public void A_batch_gives_what_each_prompt_gives_alone()
    {
        // Of very different lengths, in more than one pass; some with a common beginning.
        var prompts = Enumerable.Range(0, 40).Select(i => Prompt(1 + i * 37 % 190, i)).ToList();
        var beginning = Prompt(30, 99);
        prompts.AddRange(Enumerable.Range(0, 8).Select(i => (int[])[.. beginning, .. Prompt(i + 1, 200 + i)]));
        var options = new GenerationOptions { MaxNewTokens = 24 };
        var alone = prompts.Select(p => model.GenerateBatch([p], options)[0]).ToArray();
        Assert.True(alone.Select(a => a.Ids.Count).Distinct().Count() > 1, "rows should end at different lengths");
        foreach (var size in new[] { 48, 8, 5 })
        {
            var together = model.GenerateBatch(prompts, options, size);
            for (var i = 0; i < prompts.Count; i++)
            {
                Assert.Equal(alone[i].Ids, together[i].Ids);
                Assert.Equal((alone[i].Text, alone[i].Finish), (together[i].Text, together[i].Finish));
            }
        }
    }

    [Fact]
    public void Many_steps_equal_one_pass_over_the_whole()
    {
        // Longer than the cache's first block.
        var prompt = Prompt(5, 3);
        var generated = model.GenerateBatch([prompt], new GenerationOptions { MaxNewTokens = 150, RepetitionPenalty = 1.0001 })[0];
        Assert.True(generated.Ids.Count > 100 || generated.Finish == FinishReason.EndToken);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        long[] all = [.. prompt.Concat(generated.Ids).Select(i => (long)i)];
        using var input = Models.Decoder.DecoderInput.Padded(all, 1);
        var logits = model.Decoder.Logits(model.Decoder.Hidden(input));
        var seen = new HashSet<long>(all[..prompt.Length]);
        for (var t = prompt.Length; t < all.Length; t++)
        {
            var row = logits[0, t - 1].data<float>().ToArray();
            foreach (var id in seen) row[id] = row[id] > 0 ? row[id] / 1.0001f : row[id] * 1.0001f;
            Assert.True(row[all[t]] >= row.Max() - 1e-4f, $"token {t - prompt.Length} is not the likeliest");
            seen.Add(all[t]);
        }
    }

    [Fact]
    public void Sampling_repeats_with_its_seed_whatever_the_batch()
    {
        var prompts = Enumerable.Range(0, 12).Select(i => Prompt(3 + i, i)).ToList();
        var options = new GenerationOptions { MaxNewTokens = 20, Temperature = 0.8, TopP = 0.95, TopK = 60, MinP = 0.01, RepetitionPenalty = 1.1, Seed = 7 };
        var first = model.GenerateBatch(prompts, options, 12);
        var second = model.GenerateBatch(prompts, options, 5);
        Assert.Equal(first.Select(g => string.Join(' ', g.Ids)), second.Select(g => string.Join(' ', g.Ids)));
        var other = model.GenerateBatch(prompts, options with { Seed = 8 }, 12);
        Assert.NotEqual(first.Select(g => string.Join(' ', g.Ids)), other.Select(g => string.Join(' ', g.Ids)));
        // Rows with the same prompt have random numbers of their own.
        Assert.NotEqual(1, model.GenerateBatch([.. Enumerable.Repeat(prompts[0], 6)], options, 6).Select(g => string.Join(' ', g.Ids)).Distinct().Count());
    }

    [Fact]
    public void A_full_context_ends_the_text()
    {
        var context = (int)model.Decoder.Spec.MaxPositions;
        var results = model.GenerateBatch([Prompt(context - 1, 1), Prompt(context - 20, 2), Prompt(4, 3)], new GenerationOptions { MaxNewTokens = 30, RepetitionPenalty = 2 });
        for (var i = 0; i < 2; i++)
            if (results[i].Finish != FinishReason.EndToken) Assert.Equal((FinishReason.ContextFull, 1 + 19 * i), (results[i].Finish, results[i].Ids.Count));
        Assert.NotEqual(FinishReason.ContextFull, results[2].Finish);
    }

    [Fact]
    public void An_end_token_ends_the_text_and_is_not_part_of_it()
    {
        var prompts = Enumerable.Range(0, 64).Select(i => Prompt(6, i)).ToList();
        var ended = model.GenerateBatch(prompts, new GenerationOptions { MaxNewTokens = 100, Temperature = 3, Seed = 1 }, 64).Where(g => g.Finish == FinishReason.EndToken).ToArray();
        Assert.NotEmpty(ended);
        foreach (var text in ended)
        {
            Assert.Contains(text.Ids[^1], model.EndTokens);
            Assert.DoesNotContain(text.Ids.SkipLast(1), id => model.EndTokens.Contains(id));
            Assert.Equal(model.Tokenizer.Decode([.. text.Ids.SkipLast(1)], skipSpecialTokens: true), text.Text);
        }
    }

    [Fact]
    public void A_stop_text_ends_the_text_before_it()
    {
        var prompt = Prompt(6, 11);
        var whole = model.GenerateBatch([prompt], new GenerationOptions { MaxNewTokens = 60, RepetitionPenalty = 1.5 })[0].Text;
        for (var at = 3; at + 3 < whole.Length; at += 5)
        {
            var stop = whole[at..(at + 3)];
            if (stop.Contains('\uFFFD')) continue;
            var cut = model.GenerateBatch([prompt], new GenerationOptions { MaxNewTokens = 60, RepetitionPenalty = 1.5, StopTexts = ["not there at all", stop] })[0];
            Assert.Equal((whole[..whole.IndexOf(stop, StringComparison.Ordinal)], FinishReason.StopText), (cut.Text, cut.Finish));
        }
    }

    [Fact]
    public void Prompts_that_cannot_be_used_are_refused()
    {
        var context = (int)model.Decoder.Spec.MaxPositions;
        Assert.Contains($"{context} tokens, the context", Assert.Throws<GenerationException>(() => model.GenerateBatch([Prompt(context, 1)])).Message);
        Assert.Contains("Prompt 2 has no tokens", Assert.Throws<GenerationException>(() => model.GenerateBatch([[1], []])).Message);
        Assert.Contains("the id 400", Assert.Throws<GenerationException>(() => model.GenerateBatch([[1, 400]])).Message);
        Assert.Empty(model.GenerateBatch([]));
    }

    [Fact]
    public void Settings_out_of_range_are_told_together()
    {
        var bad = new GenerationOptions { MaxNewTokens = 0, Temperature = -1, TopP = 0, TopK = -1, MinP = 2, RepetitionPenalty = 0.5, StopTexts = [""] };
        Assert.Equal("Generation cannot begin: the number of new tokens is 0, but must be at least 1; the temperature is -1, but must be 0 (greedy) or above; top-p is 0, but must be above 0 and at most 1; "
            + "top-k is -1, but must be 0 (all) or above; min-p is 2, but must be from 0 to 1; the repetition penalty is 0.5, but must be at least 1; a stop text is empty.",
            Assert.Throws<GenerationException>(() => model.GenerateBatch([[1]], bad)).Message);
    }

    [Fact]
    public async Task No_tensor_is_left()
    {
        var options = new GenerationOptions { MaxNewTokens = 6, Temperature = 1, Seed = 1 };
        int[][] prompts = [Prompt(12, 1), Prompt(30, 2), Prompt(3, 3)];
        await Once();
        NativeTensors.Collect();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 50; i++) await Once();
        NativeTensors.Collect();
        Assert.Equal(before, Tensor.TotalCount);

        async Task Once()
        {
            model.GenerateBatch(prompts, options, 2);
            await foreach (var _ in model.GenerateAsync("Which colour?", options)) { }
            // Given up in the middle.
            await foreach (var _ in model.GenerateAsync("Which colour?", options)) break;
            using var session = new ChatSession(model, options);
            await foreach (var _ in session.SendAsync("And now?")) { }
        }
    }

    public void Dispose()
    {
        model.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
