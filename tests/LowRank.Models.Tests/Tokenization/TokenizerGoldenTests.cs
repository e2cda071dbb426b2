using System.Text;
using System.Text.Json;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Tokenization;

/// <summary>What Hugging Face tokenizers 0.23 makes of each text: every id, offset, decoded text and streamed chunk, equal without tolerance.</summary>
[Trait("Category", "Golden")]
public class TokenizerGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> EncodeCases() => Golden.Cases("tokenizers/encode", Folders("encode.jsonl"));

    public static IEnumerable<TheoryDataRow<string>> StreamCases() => Golden.Cases("tokenizers/stream", Folders("stream.jsonl"));

    [Theory]
    [MemberData(nameof(EncodeCases))]
    public void Encodes_and_decodes_as_the_reference(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.At("tokenizers", name));
        var wrong = new List<string>();
        var rows = Rows(name, "encode.jsonl").ToArray();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var text = Text(row);
            var ids = Ints(row.GetProperty("ids"));
            var encoding = tokenizer.EncodeWithOffsets(text);
            var offsets = row.GetProperty("offsets").EnumerateArray().Select(o => (o[0].GetInt32(), o[1].GetInt32())).ToArray();
            var withSpecial = row.TryGetProperty("ids_special", out var special) ? Ints(special) : ids;
            var id = $"{row.GetProperty("id").GetString()} ({row.GetProperty("category").GetString()})";
            if (!ids.SequenceEqual(encoding.Ids)) wrong.Add($"{id} ids: expected {Show(ids)}, got {Show(encoding.Ids)}");
            else if (!offsets.SequenceEqual(encoding.Offsets)) wrong.Add($"{id} offsets: expected {Show(offsets)}, got {Show(encoding.Offsets)}");
            if (!ids.SequenceEqual(tokenizer.Encode(text))) wrong.Add($"{id} ids without offsets");
            if (!withSpecial.SequenceEqual(tokenizer.Encode(text, addSpecialTokens: true))) wrong.Add($"{id} ids with special tokens");
            if (!withSpecial.SequenceEqual(tokenizer.EncodeWithOffsets(text, addSpecialTokens: true).Ids)) wrong.Add($"{id} ids with special tokens and offsets");
            if (tokenizer.Decode(ids) != row.GetProperty("decoded").GetString()) wrong.Add($"{id} decoded");
            if (tokenizer.Decode(ids, skipSpecialTokens: true) != row.GetProperty("decoded_skip").GetString()) wrong.Add($"{id} decoded without special tokens");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} differences:\n{string.Join('\n', wrong.Take(10))}");
    }

    [Theory]
    [MemberData(nameof(StreamCases))]
    public void Streams_as_the_reference(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.At("tokenizers", name));
        foreach (var row in Rows(name, "stream.jsonl"))
        {
            var ids = Ints(row.GetProperty("ids"));
            var skip = row.GetProperty("skip_special_tokens").GetBoolean();
            var stream = tokenizer.CreateStreamingDecoder(skip);
            var expected = row.GetProperty("chunks").EnumerateArray().Select(c => c.GetString()).ToArray();
            Assert.Equal(expected, ids.Select(stream.Next));
            Assert.Equal(row.GetProperty("decoded").GetString(), tokenizer.Decode(ids, skip));
        }
    }

    private static IEnumerable<string> Folders(string file)
    {
        var root = Golden.At("tokenizers");
        return !Directory.Exists(root) ? []
            : Directory.GetDirectories(root).Where(d => File.Exists(Path.Combine(d, file))).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal);
    }

    private static IEnumerable<JsonElement> Rows(string name, string file) =>
        File.ReadAllText(Golden.At("tokenizers", name, file)).Split('\n').Where(l => l.Length > 0).Select(l => JsonDocument.Parse(l).RootElement);

    private static string Text(JsonElement row) => row.TryGetProperty("utf16", out var units)
        ? new string([.. units.EnumerateArray().Select(u => (char)u.GetInt32())]) : row.GetProperty("text").GetString()!;

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(i => i.GetInt32())];

    private static string Show<T>(IEnumerable<T> items) => string.Join(' ', items.Take(40));
}
