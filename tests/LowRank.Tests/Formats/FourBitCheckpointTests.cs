using System.Text;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Tests.Adapters;
using LowRank.Tests.Quantization;

namespace LowRank.Tests.Formats;

public sealed unsafe class FourBitCheckpointTests
{
    private const string Name = "model.layers.0.self_attn.q_proj.weight";

    public static IEnumerable<TheoryDataRow<string>> Checkpoints => Golden.Cases("numerics/bnb_checkpoint/layout", Cases());

    [Theory, MemberData(nameof(Checkpoints)), Trait("Category", "Golden")]
    public void A_checkpoint_stands_for_its_weights_and_is_written_again_with_the_same_bytes(string id)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Golden.At("numerics", "bnb_checkpoint", "cases.json")));
        var c = json.RootElement.GetProperty("cases").EnumerateArray().Single(e => e.GetProperty("id").GetString() == id);
        var reference = new GoldenTensors(Golden.At("numerics", "bnb_checkpoint", "cases.safetensors"));
        var folder = Golden.At("numerics", "bnb_checkpoint", c.GetProperty("folder").GetString()!);
        using var source = SafetensorsFolder.Open(folder);
        using var temporary = new TemporaryFolder();
        var again = Path.Combine(temporary.Path, SafetensorsFolder.SingleFile);
        var weights = source.Tensors.Where(t => t.Name.EndsWith("_proj.weight", StringComparison.Ordinal)).Select(t => (t.Name, Parts: FourBitCheckpoint.TryRead(source, t.Name))).Where(w => w.Parts is not null)
            .ToDictionary(w => w.Name, w => FourBitWeight.FromParts(w.Parts!));
        Assert.Equal(c.GetProperty("quantized").EnumerateArray().Select(e => e.GetString() + ".weight").Order(), weights.Keys.Order());
        foreach (var named in c.GetProperty("dequantized").EnumerateObject())
        {
            var want = named.Value.GetString()!;
            var weight = weights[named.Name + ".weight"];
            Assert.Equal<long>(reference.Shape(want), new[] { weight.OutFeatures, weight.InFeatures });
            Assert.Equal(reference.Floats(want), FourBitSamples.Values(weight, weight.Parts.SourceType));
        }
        var quantized = weights.SelectMany(w => FourBitCheckpoint.TensorsOf(w.Value.Parts, w.Key)).ToDictionary(t => t.Name);
        var plain = source.Tensors.Where(t => !quantized.ContainsKey(t.Name)).ToArray();
        Assert.Equal(source.Tensors.Count, plain.Length + quantized.Count);
        using (var writer = SafetensorsWriter.Create(again, quantized.Values.Select(t => (t.Name, t.Type, t.Shape)).Concat(plain.Select(t => (t.Name, t.Type, t.Shape)))))
        {
            foreach (var t in quantized.Values) t.WriteTo(writer);
            foreach (var t in plain) writer.Write(t.Name, source.Bytes(t));
            writer.Commit();
        }
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, SafetensorsFolder.SingleFile)), File.ReadAllBytes(again));
        foreach (var w in weights.Values) w.Dispose();
    }

    [Theory]
    [InlineData(FourBitType.Nf4, 64, true, 8, 96), InlineData(FourBitType.Fp4, 4096, true, 300, 257), InlineData(FourBitType.Nf4, 32, false, 3, 7)]
    public void A_weight_comes_back_from_a_file(FourBitType type, int blockSize, bool twice, int rows, int columns)
    {
        using var weight = FourBitSamples.Weight(rows, columns, new() { Type = type, BlockSize = blockSize, DoubleQuantization = twice });
        using var saved = new Saved(weight);
        using var back = FourBitWeight.FromParts(FourBitCheckpoint.TryRead(saved.Source, Name, rows, columns)!);
        Assert.Equal(weight.Options, back.Options);
        Assert.Equal(weight.StoredBytes, back.StoredBytes);
        Assert.Equal(FourBitSamples.Values(weight), FourBitSamples.Values(back));
    }

    [Fact]
    public void Another_kind_of_weight_is_not_taken()
    {
        using var temporary = new TemporaryFolder();
        using var source = Write(temporary.Path, [("w", TensorType.F32, [2, 2], new byte[16]), ("i", TensorType.I8, [2, 2], new byte[4])]);
        Assert.Null(FourBitCheckpoint.TryRead(source, "w"));
        Assert.Null(FourBitCheckpoint.TryRead(source, "i"));
        Assert.Null(FourBitCheckpoint.TryRead(source, "absent"));
    }

    [Theory]
    [InlineData(".absmax", "its part 'model.layers.0.self_attn.q_proj.weight.absmax' is missing")]
    [InlineData(".quant_map", "q_proj.weight.quant_map' is missing")]
    [InlineData(".nested_absmax", "q_proj.weight.nested_absmax' is missing")]
    [InlineData(".nested_quant_map", "q_proj.weight.nested_quant_map' is missing")]
    [InlineData(".quant_state.bitsandbytes__nf4", "its quant_state.bitsandbytes__nf4 (or __fp4) is missing")]
    public void A_missing_part_is_named(string part, string message) => Refused(tensors => [.. tensors.Where(t => t.Name != Name + part)], message);

    [Theory]
    [InlineData("", "it has 383 bytes; 768 codes of 4 bits take 384")]
    [InlineData(".absmax", "it is U8 [11]; U8 with 12 elements is needed")]
    [InlineData(".quant_map", "it is F32 [15]; F32 with 16 elements is needed")]
    [InlineData(".nested_quant_map", "it is F32 [255]; F32 with 256 elements is needed")]
    public void A_part_of_another_size_is_named(string part, string message) =>
        Refused(tensors => [.. tensors.Select(t => t.Name == Name + part ? Shorter(t) : t)], message);

    [Theory]
    [InlineData("\"quant_type\": \"nf4\"", "\"quant_type\": \"af4\"", "the quant_type 'af4' is not known; nf4 and fp4 are")]
    [InlineData("\"blocksize\": 64", "\"blocksize\": 48", "The block size 48 of a 4-bit weight is not a power of two from 32 to 4096")]
    [InlineData("\"blocksize\": 64", "\"blocksize\": 8192", "The block size 8192")]
    [InlineData("\"blocksize\": 64", "\"blocksize\": 128", "U8 with 6 elements is needed")]
    [InlineData("\"dtype\": \"float32\"", "\"dtype\": \"float8\"", "the dtype 'float8' is not known")]
    [InlineData("\"shape\": [8, 96]", "\"shape\": [8]", "the shape [8] is not that of a matrix")]
    [InlineData("\"shape\": [8, 96]", "\"shape\": [9223372036854775807, 96]", "is not that of a matrix")]
    [InlineData("\"shape\": [8, 96]", "\"shape\": [96, 8]", "its shape is [96, 8], the model needs [8, 96]")]
    [InlineData("\"nested_blocksize\": 256", "\"nested_blocksize\": 128", "the nested_blocksize 128 is not supported; 256 is")]
    [InlineData("\"quant_type\"", "\"quant_kind\"", "does not hold the JSON of a 4-bit weight's state")]
    [InlineData("{", "[", "does not hold the JSON of a 4-bit weight's state")]
    public void A_state_that_cannot_be_used_is_refused(string from, string to, string message) => Refused(
        tensors => [.. tensors.Select(t => t.Name.Contains("quant_state", StringComparison.Ordinal) ? State(t, Encoding.UTF8.GetString(t.Bytes).Replace(from, to, StringComparison.Ordinal)) : t)], message);

    [Fact]
    public void An_unknown_kind_of_quantization_is_named() => Refused(
        tensors => [.. tensors.Select(t => t with { Name = t.Name.Replace("__nf4", "__nf5", StringComparison.Ordinal) })], "bitsandbytes__nf5': this kind of quantization is not known");

    [Fact]
    public void Another_code_table_and_scales_that_are_not_finite_are_refused()
    {
        Refused(tensors => [.. tensors.Select(t => t.Name.EndsWith(".quant_map", StringComparison.Ordinal) ? t with { Bytes = new byte[64] } : t)], "value 0 of the code table is 0");
        Refused(tensors => [.. tensors.Select(t => t.Name.EndsWith(".nested_absmax", StringComparison.Ordinal) ? t with { Bytes = BitConverter.GetBytes(float.NaN) } : t)], "scale 0 is NaN");
    }

    private static void Refused(Func<Part[], Part[]> change, string message)
    {
        using var weight = FourBitSamples.Weight(8, 96, new());
        using var temporary = new TemporaryFolder();
        Part[] parts = [.. FourBitCheckpoint.TensorsOf(weight.Parts, Name).Select(t => new Part(t.Name, t.Type, t.Shape, FourBitSamples.Bytes(t)))];
        using var source = Write(temporary.Path, [.. change(parts).Select(p => (p.Name, p.Type, p.Shape, p.Bytes))]);
        var error = Assert.Throws<SafetensorsException>(() => FourBitCheckpoint.TryRead(source, Name, 8, 96));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(Name, error.Tensor, StringComparison.Ordinal);
    }

    private static Part Shorter(Part t) => t with { Shape = [t.Shape[0] - 1, .. t.Shape[1..]], Bytes = t.Bytes[..^t.Type.ElementSize()] };

    private static Part State(Part t, string json) => t with { Shape = [Encoding.UTF8.GetByteCount(json)], Bytes = Encoding.UTF8.GetBytes(json) };

    private static SafetensorsFolder Write(string folder, (string Name, TensorType Type, long[] Shape, byte[] Bytes)[] tensors)
    {
        using (var writer = SafetensorsWriter.Create(Path.Combine(folder, SafetensorsFolder.SingleFile), tensors.Select(t => (t.Name, t.Type, t.Shape))))
        {
            foreach (var t in tensors) writer.Write(t.Name, t.Bytes);
            writer.Commit();
        }
        return SafetensorsFolder.Open(folder);
    }

    private static IEnumerable<string> Cases()
    {
        var path = Golden.At("numerics", "bnb_checkpoint", "cases.json");
        if (!File.Exists(path)) return [];
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.TryGetProperty("dequantized", out _)).Select(c => c.GetProperty("id").GetString()!)];
    }

    private sealed record Part(string Name, TensorType Type, long[] Shape, byte[] Bytes);

    private sealed class Saved : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public Saved(FourBitWeight weight) =>
            Source = Write(folder.Path, [.. FourBitCheckpoint.TensorsOf(weight.Parts, Name).Select(t => (t.Name, t.Type, t.Shape, FourBitSamples.Bytes(t)))]);

        public SafetensorsFolder Source { get; }

        public void Dispose()
        {
            Source.Dispose();
            folder.Dispose();
        }
    }
}
