using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Export;
using LowRank.Models.Generation;
using LowRank.Testing;

namespace LowRank.Models.Tests.Export;

/// <summary>The real SmolLM2-135M-Instruct as GGUF: against what llama.cpp's converter writes (fixtures/gguf/export.json), and read back.</summary>
[Trait("Category", "RealModel")]
public sealed class GgufExportGoldenTests(GgufExportGoldenTests.Converted converted, ITestOutputHelper output) : IClassFixture<GgufExportGoldenTests.Converted>
{
    /// <summary>The Hugging Face folder, made once for all tests of the class.</summary>
    public sealed class Converted : IDisposable
    {
        private readonly string root = Directory.CreateTempSubdirectory("lowrank-").FullName;
        private string? folder;

        // llama.cpp reads the names in the metadata out of the name of the folder.
        public string Folder => folder ??= Convert();

        public string At(string name) => Path.Combine(root, name);

        public void Dispose() => Directory.Delete(root, recursive: true);

        private string Convert()
        {
            var target = At("SmolLM2-135M-Instruct");
            GgufConverter.Convert(RealModels.Require(RealModels.SmolLM2), target);
            return target;
        }
    }

    public static IEnumerable<TheoryDataRow<string>> Files => Golden.Cases("gguf/export", Kinds());

    public static IEnumerable<TheoryDataRow<string>> References => Golden.Cases("gguf/export-greedy", "smollm2", "reference.json");

    private static IEnumerable<string> Kinds()
    {
        if (!File.Exists(Golden.At("gguf", "export.json"))) return [];
        using var json = JsonDocument.Parse(File.ReadAllBytes(Golden.At("gguf", "export.json")));
        return [.. json.RootElement.GetProperty("files").EnumerateObject().Select(f => f.Name)];
    }

    // Exact: keys in their order, values, places and bytes of all tensors.
    [Theory, MemberData(nameof(Files))]
    public void Equals_what_llama_cpp_writes(string kind)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Golden.At("gguf", "export.json")));
        var files = json.RootElement.GetProperty("files");
        var want = files.GetProperty(kind);
        var path = converted.At($"{kind}.gguf");
        GgufExporter.Export(converted.Folder, path, new GgufExportOptions { Type = Enum.Parse<GgufFileType>(kind, ignoreCase: true) });
        using (var file = GgufFile.Open(path))
        {
            // What is the same in all files is written with the first.
            var own = want.GetProperty("metadata");
            var all = files.EnumerateObject().First().Value.GetProperty("metadata").EnumerateObject().Where(p => !p.Name.StartsWith("GGUF.", StringComparison.Ordinal)).ToList();
            Assert.Equal(all.Select(p => p.Name), file.Metadata.Keys);
            foreach (var p in all) AssertValue(p.Name, own.TryGetProperty(p.Name, out var other) ? other : p.Value, file.Metadata[p.Name]);
            Assert.Equal(want.GetProperty("data_offset").GetInt64(), file.DataOffset);
            var tensors = want.GetProperty("tensors").EnumerateArray().ToList();
            Assert.Equal(tensors.Select(t => t.GetProperty("name").GetString()), file.Tensors.Select(t => t.Name));
            foreach (var (t, got) in tensors.Zip(file.Tensors))
            {
                Assert.Equal(t.GetProperty("type").GetString(), got.Type.ToString());
                Assert.Equal(t.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64()).Reverse(), got.Shape);
                Assert.Equal(t.GetProperty("offset").GetInt64(), got.Offset - file.DataOffset);
                Assert.True(t.GetProperty("sha256").GetString() == Convert.ToHexStringLower(SHA256.HashData(file.Bytes(got))), $"{got.Name} has other bytes");
                file.DropPages(got);
            }
        }
        File.Delete(path);
    }

    // Where the lead of the chosen token is smaller than 0.01, another order of summing may choose the other (README of the data).
    [Theory, MemberData(nameof(References))]
    public void Single_precision_read_back_continues_as_transformers_does(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Golden.At("smollm2", name + ".json")));
        var path = converted.At("greedy.gguf");
        GgufExporter.Export(converted.Folder, path, new GgufExportOptions { Type = GgufFileType.F32 });
        using (var model = ModelLoader.Load(path, new ModelLoadOptions()))
        {
            var prompts = json.RootElement.GetProperty("prompts").EnumerateArray().ToList();
            Assert.NotEmpty(prompts);
            foreach (var prompt in prompts)
            {
                int[] wanted = Ints(prompt.GetProperty("greedy_ids"));
                var certain = prompt.GetProperty("greedy_margins").EnumerateArray().TakeWhile(m => m.GetDouble() >= 0.01).Count();
                var generated = model.GenerateBatch([Ints(prompt.GetProperty("ids"))], new GenerationOptions { MaxNewTokens = wanted.Length })[0];
                Assert.Equal(wanted.Take(certain), generated.Ids.Take(certain));
            }
        }
        File.Delete(path);

        static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetInt32())];
    }

    // F32 and BF16 hold the bf16 weights exactly. Of the others the share is printed; a file with weights at the wrong place or a wrong scale agrees on next to none of the tokens.
    [Theory]
    [InlineData(GgufFileType.F32, 1)]
    [InlineData(GgufFileType.BF16, 1)]
    [InlineData(GgufFileType.F16, 0.98)]
    [InlineData(GgufFileType.Q8_0, 0.95)]
    [InlineData(GgufFileType.Q4_K_M, 0.7)]
    [InlineData(GgufFileType.Q4_0, 0.6)]
    public void Reads_back_and_agrees(GgufFileType type, double least)
    {
        var path = converted.At($"agree-{type}.gguf");
        GgufExporter.Export(converted.Folder, path, new GgufExportOptions { Type = type });
        var agreement = GgufAgreement.Measure(converted.Folder, path);
        using (var file = GgufFile.Open(path))
            output.WriteLine($"{type}: {agreement.Same} of {agreement.Total} tokens, {new FileInfo(path).Length >> 20} MiB; {string.Join(", ", file.Tensors.GroupBy(t => t.Type).Select(g => $"{g.Count()} {g.Key}"))}");
        Assert.InRange(agreement.Total, 250, 600);
        Assert.True(agreement.Same >= least * agreement.Total, $"{agreement.Same} of {agreement.Total}");
        File.Delete(path);
    }

    [Fact]
    public void A_gguf_is_exported_with_its_own_tokenizer()
    {
        var path = converted.At("again.gguf");
        GgufExporter.Export(RealModels.Require(RealModels.SmolLM2), path, new GgufExportOptions { Type = GgufFileType.Q8_0 });
        using (var from = GgufFile.Open(RealModels.Require(RealModels.SmolLM2)))
        using (var file = GgufFile.Open(path))
            Assert.Equal(from.Metadata.Keys.Where(k => k.StartsWith("tokenizer.", StringComparison.Ordinal)), file.Metadata.Keys.Where(k => k.StartsWith("tokenizer.", StringComparison.Ordinal)));
        File.Delete(path);
    }

    [Fact]
    public void A_cancelled_export_leaves_nothing()
    {
        using var stop = new CancellationTokenSource();
        var path = Path.Combine(converted.At("cancelled"), "x.gguf");
        var folder = converted.Folder;
        Assert.ThrowsAny<OperationCanceledException>(() => GgufExporter.Export(folder, path, new GgufExportOptions { Progress = (_, _) => stop.Cancel() }, stop.Token));
        Assert.Empty(Directory.GetFileSystemEntries(converted.At("cancelled")));
    }

    private static void AssertValue(string key, JsonElement want, object got)
    {
        if (want.GetProperty("type").GetString() == "ARRAY")
        {
            var array = Assert.IsAssignableFrom<Array>(got);
            Assert.Equal(want.GetProperty("length").GetInt32(), array.Length);
            if (want.TryGetProperty("sha256_utf8_joined_by_nul", out var joined)) Assert.True(joined.GetString() == Hash(string.Join('\0', (string[])array)), $"{key} differs");
            else Assert.True(want.GetProperty("sha256_json").GetString() == Hash($"[{string.Join(',', array.Cast<IFormattable>().Select(n => n.ToString(null, CultureInfo.InvariantCulture)))}]"), $"{key} differs");
            return;
        }
        var value = want.GetProperty("value");
        object expected = want.GetProperty("type").GetString() switch
        {
            "STRING" => value.GetString()!,
            "BOOL" => value.GetBoolean(),
            "UINT32" => value.GetUInt32(),
            "FLOAT32" => (float)value.GetDouble(),
            var type => throw new InvalidDataException($"{key}: reference type {type}"),
        };
        Assert.Equal((key, expected), (key, got));
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
