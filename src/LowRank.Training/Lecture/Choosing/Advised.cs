using System.Globalization;
using LowRank.Training.Advice;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>What <c>lowrank advise</c> recommends, as figures.</summary>
internal static class Advised
{
    /// <summary>The model of the lecture.</summary>
    public const string SevenBillion = "llama-2-7b";

    /// <summary>The recommended rank.</summary>
    public static int Rank(string model, long examples, string memory, string purpose = "personal", int length = 512) =>
        int.Parse(Choice("rank", model, examples, memory, purpose, length), CultureInfo.InvariantCulture);

    /// <summary>1 where LoRA is recommended, 0 where QLoRA is.</summary>
    public static int IsLora(string model, string memory, string purpose) => Choice("method", model, 5000, memory, purpose, 512) == "lora" ? 1 : 0;

    private static string Choice(string key, string model, long examples, string memory, string purpose, int length) =>
        Adviser.Advise(ModelSource.Open(model), new AdviceSettings { Examples = examples, Length = length, Memory = memory, Purpose = purpose }).Choices.Single(c => c.Key == key).Value;
}
