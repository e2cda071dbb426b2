using LowRank.Models.Export;

namespace LowRank.Models.Tests.Export;

public sealed class GgufModelNameTests
{
    // gguf-py's own tests (tests/test_metadata.py) have these cases, and the first is in the reference data.
    [Theory]
    [InlineData("SmolLM2-135M-Instruct", 134_515_008, "SmolLM2 135M Instruct", "SmolLM2", "Instruct", null, "135M")]
    [InlineData("Mistral-7B-Instruct-v0.2", 7_241_732_096, "Mistral 7B Instruct v0.2", "Mistral", "Instruct", "v0.2", "7B")]
    [InlineData("Meta-Llama-3-8B", 8_030_261_248, "Meta Llama 3 8B", "Meta-Llama-3", null, null, "8B")]
    [InlineData("Qwen1.5-MoE-A2.7B-Chat", 14_315_784_192, "Qwen1.5 MoE A2.7B Chat", "Qwen1.5-MoE", "Chat", null, "A2.7B")]
    [InlineData("Phi-3-mini-4k-instruct", 3_821_079_552, "Phi 3 Mini 4k Instruct", "Phi-3", "4k-instruct", null, "mini")]
    [InlineData("bigLSTM", 1000, "bigLSTM", null, null, null, null)]
    [InlineData("a sentence is no name", 1000, "A Sentence Is No Name", null, null, null, null)]
    public void Is_taken_apart_as_gguf_py_does(string name, long parameters, string title, string? baseName, string? tuned, string? version, string? size)
    {
        var parts = GgufModelName.Of(name, parameters);
        Assert.Equal((title, baseName, tuned, version, size), (parts.Title, parts.BaseName, parts.FineTune, parts.Version, parts.SizeLabel));
    }

    [Theory]
    [InlineData(134_515_008, "135M")]
    [InlineData(1_711_376_384, "1.7B")]
    [InlineData(8_030_261_248, "8.0B")]
    [InlineData(4_000, "4.0K")]
    public void A_size_has_two_digits_at_least(long parameters, string label) => Assert.Equal(label, GgufModelName.LabelOf(parameters));
}
