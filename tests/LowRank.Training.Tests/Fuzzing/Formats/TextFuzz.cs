using System.Text;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>Plain text: paragraphs with odd characters, line ends of every kind, bytes that are no text.</summary>
internal sealed class TextFuzz() : DataFuzz("text", ".txt")
{
    private static readonly string[] pieces = ["a", "word ", "é", "한글", "😀", "\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\t", " ", "\u00A0", "\u2028", "\u2029", "\u0085", "\u200B", "<s>", "<|im_end|>", "{{ x }}", "\\", "\"", "{\"text\":\"a\"}", "\uFFFF", "e\u0301", "ﬀ", "１"];

    public override byte[] Make(FuzzRandom random)
    {
        var text = new StringBuilder();
        for (var count = random.Between(1, 40); count > 0; count--) text.Append(random.Pick(pieces));
        if (random.OneIn(50)) text.Append('x', 100000);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.OneIn(3) ? ByteMutator.Damage(bytes, random) : bytes;
    }
}
