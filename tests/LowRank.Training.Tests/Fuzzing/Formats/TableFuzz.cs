using System.Text;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>CSV files: headers of every shape, fields with separators, quotes and line breaks, now and then a quote too few.</summary>
internal sealed class TableFuzz() : DataFuzz("csv", ".csv")
{
    private static readonly string[] names = ["prompt", "completion", "instruction", "input", "output", "text", "question", "answer", "chosen", "rejected", "label", "messages", "system", "PROMPT", " response ", "x", ""];
    private static readonly string[][] shapes = [["prompt", "completion"], ["instruction", "input", "output"], ["text"], ["prompt", "chosen", "rejected"], ["prompt", "completion", "label"], ["question", "answer"], ["messages"], ["prompt", "completion", "system"]];
    private static readonly string[] fields = ["", "a", "What is 2+2?", "a,b", "x \"y\" z", "line\nbreak", "line\r\nbreak", "é 한글 😀", "True", "0", "1e999", "null", "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]", " ", "\t", "'", "\"", "\"\"", "\u2028", "=1+1"];

    public override byte[] Make(FuzzRandom random)
    {
        var header = random.Pick(shapes);
        if (random.OneIn(4)) header = [.. header, random.Pick(names)];
        var text = new StringBuilder(random.OneIn(20) ? "\uFEFF" : "");
        Record(text, header, random);
        for (var rows = random.Between(1, 5); rows > 0; rows--)
        {
            var count = random.OneIn(8) ? random.Between(0, 5) : header.Length;
            Record(text, Enumerable.Range(0, count).Select(_ => random.Pick(fields)), random);
        }
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.OneIn(6) ? ByteMutator.Damage(bytes, random) : bytes;
    }

    private static void Record(StringBuilder text, IEnumerable<string> record, FuzzRandom random) =>
        text.AppendJoin(',', record.Select(f => random.OneIn(30) ? f : f.AsSpan().IndexOfAny(",\"\n\r") >= 0 || random.OneIn(6) ? $"\"{f.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : f)).Append(random.OneIn(8) ? "\r\n" : "\n");
}
