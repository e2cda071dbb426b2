using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Tests.Planning;

public class KnownModelTests
{
    [Theory]
    [InlineData("llama-2-7b", 6_738_415_616)]
    [InlineData("llama-2-13b", 13_015_864_320)]
    [InlineData("llama-3.2-1b", 1_235_814_400)]
    [InlineData("llama-3.2-3b", 3_212_749_824)]
    [InlineData("llama-3.3-70b", 70_553_706_496)]
    [InlineData("qwen2.5-1.5b", 1_543_714_304)]
    [InlineData("qwen3-0.6b", 596_049_920)]
    [InlineData("qwen3-8b", 8_190_735_360)]
    [InlineData("gemma-2-27b", 27_227_128_320)]
    [InlineData("phi-4", 14_659_507_200)]
    [InlineData("smollm2-360m", 361_821_120)]
    [InlineData("tinyllama-1.1b", 1_100_048_384)]
    public void A_model_of_the_table_has_its_published_number_of_parameters(string name, long parameters) => Assert.Equal(parameters, ModelSource.Open(name).Shape.Parameters);

    [Theory]
    [InlineData("meta-llama/Llama-2-7b-hf", "llama-2-7b")]
    [InlineData("Llama-2-7b-chat-hf", "llama-2-7b")]
    [InlineData("llama2-7b", "llama-2-7b")]
    [InlineData("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b")]
    [InlineData("mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-v0.3")]
    [InlineData("Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5-0.5b")]
    [InlineData("SmolLM2-135M-Instruct", "smollm2-135m")]
    [InlineData("microsoft/Phi-3-mini-4k-instruct", "phi-3-mini")]
    [InlineData("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "tinyllama-1.1b")]
    public void Hub_ids_and_variants_lead_to_the_base(string text, string name) => Assert.Equal(name, KnownModel.Find(text)?.Name);

    [Fact]
    public void An_unknown_name_shows_the_nearest_and_all()
    {
        var error = Assert.Throws<LowRankException>(() => ModelSource.Open("lama-2-7b"));
        Assert.Contains("did you mean llama-2-7b", error.Message, StringComparison.Ordinal);
        Assert.Contains("gemma-2-9b", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_unique() => Assert.Equal(KnownModel.All.Count, KnownModel.All.Select(m => m.Name).Distinct().Count());
}
