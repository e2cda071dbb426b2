using System.Text;
using System.Text.Json;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>JSON lines of every kind of row, sound and broken, with one or two rows damaged.</summary>
internal sealed class JsonLinesFuzz() : DataFuzz("json-lines", ".jsonl")
{
    private static readonly Lazy<JsonElement[][]> files = new(() => [.. SoundFiles.Below("datasets", ".jsonl", SearchOption.AllDirectories)
        .Select(p => File.ReadLines(p).Select(SoundFiles.Parse).OfType<JsonElement>().ToArray()).Where(rows => rows.Length > 0)]);

    private static readonly string[] endings = ["\n", "\n", "\n", "\r\n", "\n\n", "\r", " \n"];

    public override byte[] Make(FuzzRandom random)
    {
        var rows = random.Pick(files.Value);
        var text = new StringBuilder(random.OneIn(20) ? "\uFEFF" : "");
        var count = random.Between(1, 4);
        for (var i = 0; i < count; i++)
        {
            var row = JsonSketch.Of(random.OneIn(10) ? random.Pick(random.Pick(files.Value)) : random.Pick(rows));
            if (i == 0 || random.OneIn(3)) JsonMutator.Damage(row, random);
            text.Append(row.Write()).Append(i == count - 1 && random.OneIn(3) ? "" : random.OneIn(5) ? random.Pick(endings) : "\n");
        }
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.OneIn(6) ? ByteMutator.Damage(bytes, random) : bytes;
    }
}
