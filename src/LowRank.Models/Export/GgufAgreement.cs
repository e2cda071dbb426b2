using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using static TorchSharp.torch;

namespace LowRank.Models.Export;

/// <summary>How often an exported model's most likely next token is that of the model it was made from.</summary>
/// <param name="Same">Positions where both have the same.</param>
/// <param name="Total">Positions of the probe text.</param>
internal sealed record GgufAgreement(int Same, int Total)
{
    // Prose, numbers, a list and code: some 300 tokens in most vocabularies.
    private const string Probe = """
        The harbour lay quiet in the early morning. A few gulls walked along the wall and looked for what the night had left. At half past six the first boat came in, and two men
        carried their boxes up the steps, one after the other, without a word. In 1997 the town had 4,318 inhabitants; twenty years later there were fewer than 3,900, although the
        new road had made the way to the capital shorter by 40 minutes.

        To bake a simple loaf of bread you need:
        1. 500 g of flour
        2. 350 ml of lukewarm water
        3. 10 g of salt and a little yeast

        Mix everything, let the dough rest until it has doubled in size, and bake it for about 40 minutes at 220 degrees.

        def fibonacci(n):
            a, b = 0, 1
            for _ in range(n):
                a, b = b, a + b
            return a

        Question: If a train leaves at 9:15 and arrives at 11:45, how long does the journey take?
        Answer: The journey takes two hours and thirty minutes, because from 9:15 to 11:15 are two hours, and from there to 11:45 another thirty minutes.
        """;

    /// <summary>Compares two models on the probe text, one after the other.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">What was exported from it.</param>
    /// <exception cref="LowRankException">One of them cannot be loaded, or their tokenizers read the text differently.</exception>
    public static GgufAgreement Measure(string model, string file)
    {
        var (ids, want) = MostLikely(model);
        var (sameIds, got) = MostLikely(file);
        if (!ids.SequenceEqual(sameIds)) throw new LowRankException($"{file} reads a text as other tokens than {model}: its tokenizer is not the model's.");
        return new GgufAgreement(want.Zip(got).Count(p => p.First == p.Second), want.Length);
    }

    private static (int[] Ids, long[] MostLikely) MostLikely(string path)
    {
        using var model = ModelLoader.Load(path, new ModelLoadOptions());
        var ids = model.Tokenizer.Encode(Probe, addSpecialTokens: true);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded([.. ids.Select(i => (long)i)], 1, model.Decoder.Device);
        return (ids, model.Decoder.Logits(model.Decoder.Hidden(input)).argmax(-1).cpu().data<long>().ToArray());
    }
}
