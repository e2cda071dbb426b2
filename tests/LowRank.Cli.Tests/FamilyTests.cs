using System.Text.Json;
using LowRank.Formats;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>A tiny model of each form of decoder through the verbs that load one: plan, train, eval, generate, chat, convert, inspect.</summary>
public sealed class FamilyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Fused projections; learned positions and transposed weights; experts.
    [Theory]
    [InlineData("phi3"), InlineData("gpt2"), InlineData("qwen3_moe")]
    public async Task Every_verb_takes_the_family(string family)
    {
        var (model, data) = (TinyFamily.Create(family, folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        await Done("plan", "--model", model, "--data", data, "--json");
        Assert.Contains(family == "gpt2" ? "transformer.wpe.weight" : "model.embed_tokens.weight", await Done("inspect", model, "--tensors"), StringComparison.Ordinal);
        await Done("train", "--model", model, "--data", data, "--method", "qlora", "--target", "all-linear", "--rank", "2", "--max-steps", "2", "--validation", "4", "--threads", "1", "--output", folder.At("out"));

        using var eval = JsonDocument.Parse(await Done("eval", "--adapter", folder.At("out"), "--data", data, "--json"));
        Assert.Equal(JsonValueKind.Number, eval.RootElement.GetProperty("loss").ValueKind);
        using var answer = JsonDocument.Parse(await Done("generate", "--adapter", folder.At("out"), "--prompt", "Which colour has number 1?", "--max-new-tokens", "4", "--json"));
        Assert.InRange(answer.RootElement.GetProperty("tokens").GetInt32(), 1, 4);
        Assert.Equal(0, (await Tool.Run(["chat", "--model", model, "--max-new-tokens", "4"], "Hello\n/exit\n")).Code);

        // To 4 bits and back: the same names and shapes as at first.
        await Done("convert", model, folder.At("nf4"), "--to", "nf4");
        await Done("generate", "--model", folder.At("nf4"), "--prompt", "Hello", "--max-new-tokens", "2");
        await Done("convert", folder.At("nf4"), folder.At("plain"));
        await Done("generate", "--model", folder.At("plain"), "--prompt", "Hello", "--max-new-tokens", "2");
    }

    // Norms after the blocks; multipliers; two ropes; no gate. What differs is behind the verbs, and has goldens.
    [Theory]
    [InlineData("olmo2"), InlineData("granite"), InlineData("gemma3_text"), InlineData("starcoder2")]
    public async Task The_family_is_trained_and_answers(string family)
    {
        var (model, data) = (TinyFamily.Create(family, folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        await Done("plan", "--model", model, "--data", data, "--json");
        await Done("train", "--model", model, "--data", data, "--method", "qlora", "--target", "all-linear", "--rank", "2", "--max-steps", "2", "--validation", "4", "--threads", "1", "--output", folder.At("out"));
        using var answer = JsonDocument.Parse(await Done("generate", "--adapter", folder.At("out"), "--prompt", "Which colour has number 1?", "--max-new-tokens", "4", "--json"));
        Assert.InRange(answer.RootElement.GetProperty("tokens").GetInt32(), 1, 4);
    }

    // GPT-2's published files name their tensors without what stands before those of the whole model.
    [Fact]
    public async Task A_checkpoint_without_its_prefix_gives_the_same_answers()
    {
        var (model, bare) = (TinyFamily.Create("gpt2", folder.At("model")), folder.At("short"));
        Directory.CreateDirectory(bare);
        foreach (var file in Directory.GetFiles(model)) File.Copy(file, Path.Combine(bare, Path.GetFileName(file)));
        var weights = Path.Combine(bare, "model.safetensors");
        File.Delete(weights);
        using (var full = SafetensorsFile.Open(Path.Combine(model, "model.safetensors")))
        using (var writer = SafetensorsWriter.Create(weights, full.Tensors.Select(t => (t.Name["transformer.".Length..], t.Type, t.Shape))))
        {
            foreach (var t in full.Tensors) writer.Write(t.Name["transformer.".Length..], full.Bytes(t));
            writer.Commit();
        }
        var want = await Done("generate", "--model", model, "--prompt", "Hello", "--max-new-tokens", "4");
        Assert.Equal(want, await Done("generate", "--model", bare, "--prompt", "Hello", "--max-new-tokens", "4"));
        await Done("convert", bare, folder.At("nf4"), "--to", "nf4");
        Assert.Contains("transformer.h.0.attn.c_attn.weight", await Done("inspect", folder.At("nf4"), "--tensors"), StringComparison.Ordinal);
    }

    private static async Task<string> Done(params string[] arguments)
    {
        var result = await Tool.Run(arguments);
        Assert.True(result.Code == 0, $"{string.Join(' ', arguments)}: {result.Error}{result.Out}");
        return result.Out;
    }
}
