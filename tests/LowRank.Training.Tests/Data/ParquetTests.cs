using System.Text.Json;
using CsCheck;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Reading;
using LowRank.Training.Data.Reading.Parquet;
using Parquet;
using Parquet.Serialization;

namespace LowRank.Training.Tests.Data;

/// <summary>Files of another writer (Parquet.Net; those of pyarrow are among the goldens), and damaged ones.</summary>
public sealed class ParquetTests
{
    public static TheoryData<CompressionMethod> Methods => [CompressionMethod.None, CompressionMethod.Snappy, CompressionMethod.Gzip, CompressionMethod.Brotli, CompressionMethod.Zstd, CompressionMethod.Lz4Raw];

    private static readonly Row[] Rows =
    [
        new() { Messages = [new() { Role = "user", Content = "é 한글 😀" }, new() { Role = "assistant", Calls = ["a", "b"], Content = null }], Number = -1, Large = long.MinValue, Score = 0.5, Good = true },
        new() { Messages = null, Number = int.MaxValue, Large = 1, Score = null, Good = false },
        new() { Messages = [], Number = 0, Large = -7, Score = double.MaxValue, Good = true },
        new() { Messages = [new() { Role = "assistant", Content = "", Calls = [] }], Number = 3, Large = long.MaxValue, Score = -0.0, Good = null },
    ];

    [Theory, MemberData(nameof(Methods))]
    public async Task Nested_rows_come_back_in_every_compression(CompressionMethod method)
    {
        Row[] rows = [.. Enumerable.Repeat(Rows, 50).SelectMany(r => r)];
        using var folder = new TemporaryFolder();
        await ParquetSerializer.SerializeAsync(rows, folder.At("rows.parquet"), new ParquetOptions { CompressionMethod = method, RowGroupSize = 37 }, null, TestContext.Current.CancellationToken);
        var read = Read(folder.At("rows.parquet"));
        Assert.Equal(rows.Length, read.Count);
        string[] expected =
        [
            """{"messages":[{"role":"user","content":"é 한글 😀"},{"role":"assistant","content":null,"calls":["a","b"]}],"number":-1,"large":-9223372036854775808,"score":0.5,"good":true}""",
            """{"messages":null,"number":2147483647,"large":1,"score":null,"good":false}""",
            """{"messages":[],"number":0,"large":-7,"score":1.7976931348623157E+308,"good":true}""",
            """{"messages":[{"role":"assistant","content":"","calls":[]}],"number":3,"large":9223372036854775807,"score":-0,"good":null}""",
        ];
        for (var i = 0; i < read.Count; i++) Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected[i % 4]), read[i]), $"row {i}: {read[i].GetRawText()}");
    }

    [Fact]
    public async Task Single_rows_are_read_again_from_any_group()
    {
        using var folder = new TemporaryFolder();
        var texts = Enumerable.Range(0, 100).Select(i => new Text { Prompt = $"question {i}", Completion = $"answer {i % 7}" }).ToArray();
        await ParquetSerializer.SerializeAsync(texts, folder.At("rows.parquet"), new ParquetOptions { RowGroupSize = 30 }, null, TestContext.Current.CancellationToken);
        var streamed = Dataset.Load(folder.At("rows.parquet"), new DatasetOptions { InMemoryBytes = 0 });
        Parallel.For(0, 100, i => Assert.Equal(($"question {99 - i}", 100 - i), (streamed.Rows[99 - i].Prompt, streamed.Rows[99 - i].Number)));
        Assert.Equal(Dataset.Load(folder.At("rows.parquet")).Rows.Select(r => r.Completion), streamed.Rows.Select(r => r.Completion));
    }

    // The encodings of small whole numbers and texts that writers of version 2 choose, bit by bit as the format's page on encodings has them.
    [Fact]
    public void Delta_encodings_are_those_of_the_format()
    {
        // 7, 5, 3, 1, 2, 3, 4, 5: the example of the format; blocks of 128 in 4 miniblocks, 8 values, first 7; least delta -2, two bits, three miniblocks of none.
        byte[] numbers = [0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0b11000000, 0b00111111, 0, 0, 0, 0, 0, 0];
        Assert.Equal([7L, 5, 3, 1, 2, 3, 4, 5], DeltaDecoder.Numbers(numbers, 8).Values);
        // Hello, World, Foobar, ABCDEF: lengths 5, 5, 6, 6, then the bytes.
        byte[] lengths = [0x80, 0x01, 4, 4, 10, 0, 1, 0, 0, 0, 0b010, 0, 0, 0, .. "HelloWorldFoobarABCDEF"u8];
        Assert.Equal(["Hello", "World", "Foobar", "ABCDEF"], DeltaDecoder.Lengths(lengths, 4).Select(t => System.Text.Encoding.UTF8.GetString(t)));
        // axis, axle, babble, babyhood: kept 0, 2, 0, 3 of the one before; the rest axis, le, babble, yhood.
        byte[] prefixes = [0x80, 0x01, 4, 4, 0, 3, 3, 0, 0, 0, 0x44, 0x01, .. new byte[10], 0x80, 0x01, 4, 4, 8, 3, 3, 0, 0, 0, 0x70, .. new byte[11], .. "axislebabbleyhood"u8];
        Assert.Equal(["axis", "axle", "babble", "babyhood"], DeltaDecoder.Prefixes(prefixes, 4).Select(t => System.Text.Encoding.UTF8.GetString(t)));
        var bits = new int[8];
        Assert.Equal(4, HybridDecoder.Read([3, 0b10001000, 0b11000110, 0b11111010], 3, bits));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], bits);
        Assert.Equal(3, HybridDecoder.Read([16, 0x34, 0x12], 13, bits));
        Assert.Equal(Enumerable.Repeat(0x1234, 8), bits);
    }

    [Fact]
    public void Any_bytes_give_rows_or_a_dataset_exception()
    {
        var sound = File.ReadAllBytes(Golden.At("datasets", "messages-zstd-rowgroups.parquet"));
        Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Byte).Array[1, 4].Sample(edits =>
        {
            var bytes = sound.ToArray();
            foreach (var (at, value) in edits) bytes[at] = value;
            using var file = new TemporaryFile(bytes, ".parquet");
            try
            {
                Assert.NotEmpty(Dataset.Load(file.Path).Rows);
            }
            catch (DatasetException fault)
            {
                Assert.NotEmpty(fault.Problems);
            }
        }, iter: 1000);
    }

    // A list in a list takes a byte, and lists were read by recursion without a look at the depth.
    [Fact]
    public void Lists_in_lists_without_an_end_are_damage()
    {
        byte[] footer = [0x19, .. Enumerable.Repeat((byte)0x19, 200000)];
        using var file = new TemporaryFile([.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8], ".parquet");
        Assert.Contains("values are nested too deeply", Assert.Throws<DatasetException>(() => Dataset.Load(file.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_place_beyond_all_files_and_a_size_beyond_all_pages_are_damage()
    {
        using var file = new TemporaryFile("abc", ".parquet");
        Assert.Contains("are not in the file", Assert.Throws<LowRankException>(() => new Fetched(file.Path).At(new RowPlace(long.MaxValue - 1, 3))).Message, StringComparison.Ordinal);
        Assert.Contains("cannot hold", Assert.Throws<InvalidDataException>(() => Compression.Decompress(6, [1, 2, 3], 1 << 30)).Message, StringComparison.Ordinal);
    }

    private sealed class Fetched(string path) : RowFile(path)
    {
        public byte[] At(RowPlace place) => Bytes(place);

        public override void Read(ProblemList problems, Action<RawRow> take) { }

        public override Memory<byte> Fetch(RowPlace place) => Bytes(place);
    }

    private static List<JsonElement> Read(string path)
    {
        var rows = new List<JsonElement>();
        new ParquetRows(path).Read(new ProblemList(path), row => rows.Add(JsonElement.Parse(row.Json.Span)));
        return rows;
    }

    private sealed class Text
    {
        [System.Text.Json.Serialization.JsonPropertyName("prompt")] public string Prompt { get; set; } = "";
        [System.Text.Json.Serialization.JsonPropertyName("completion")] public string Completion { get; set; } = "";
    }

    private sealed class Message
    {
        [System.Text.Json.Serialization.JsonPropertyName("role")] public string? Role { get; set; }
        [System.Text.Json.Serialization.JsonPropertyName("content")] public string? Content { get; set; }
        [System.Text.Json.Serialization.JsonPropertyName("calls")] public List<string>? Calls { get; set; }
    }

    private sealed class Row
    {
        [System.Text.Json.Serialization.JsonPropertyName("messages")] public List<Message>? Messages { get; set; }
        [System.Text.Json.Serialization.JsonPropertyName("number")] public int Number { get; set; }
        [System.Text.Json.Serialization.JsonPropertyName("large")] public long Large { get; set; }
        [System.Text.Json.Serialization.JsonPropertyName("score")] public double? Score { get; set; }
        [System.Text.Json.Serialization.JsonPropertyName("good")] public bool? Good { get; set; }
    }
}
