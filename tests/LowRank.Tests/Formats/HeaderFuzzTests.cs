using System.Buffers.Binary;
using System.Globalization;
using CsCheck;
using LowRank.Formats;

namespace LowRank.Tests.Formats;

/// <summary>
/// Damaged headers with consistent lengths: a file opens or is refused with a typed error, and whatever opens can be read to its last byte. The share of
/// files that opened is printed; were it near zero, the fuzzing would not get behind the first check. LOWRANK_FUZZ_ITERATIONS sets the number.
/// </summary>
public sealed class HeaderFuzzTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int iterations = int.TryParse(Environment.GetEnvironmentVariable("LOWRANK_FUZZ_ITERATIONS"), CultureInfo.InvariantCulture, out var n) ? n : 1000;
    private static readonly ulong[] extremes = [0, 1, 2, 3, 31, 32, 64, 255, 1 << 16, int.MaxValue, uint.MaxValue, 1UL << 33, 1UL << 61, long.MaxValue, ulong.MaxValue - 1, ulong.MaxValue];
    private static readonly string[] jsonParts = ["0", "-1", "1", "4", "8", "12", "1e3", "9223372036854775807", "18446744073709551616", "\"F32\"", "\"U8\"", "\"a\"", "null", "[]", "{}", "[4]", "[0,4]", "\"\\ud800\"", "\"__metadata__\"", " "];
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;
    private long opened, tried;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Safetensors()
    {
        const string header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]},"c":{"dtype":"BF16","shape":[],"data_offsets":[12,14]}}""";
        // Tokens of the header: replacing whole ones keeps most results valid JSON.
        var tokens = System.Text.RegularExpressions.Regex.Matches(header, "\"[^\"]*\"|[0-9]+|.").Select(m => m.Value).ToArray();
        Gen.Select(Gen.Int[0, tokens.Length - 1], Gen.Int[0, jsonParts.Length + 1], Gen.Int[0, tokens.Length - 1]).Array[1, 3].Sample(changes =>
        {
            var mutated = tokens.ToList();
            foreach (var (at, kind, other) in changes)
            {
                var i = Math.Min(at, mutated.Count - 1);
                if (kind < jsonParts.Length) mutated[i] = jsonParts[kind];
                else if (kind == jsonParts.Length) mutated[i] = tokens[other];
                else mutated.RemoveAt(i);
                if (mutated.Count == 0) return;
            }
            Try(SafetensorsFileTests.Bytes(string.Concat(mutated), 14), SafetensorsFile.Open);
        }, iter: iterations);
        Report("safetensors");
    }

    [Fact]
    public void Safetensors_with_lies_in_sound_places()
    {
        // Valid JSON that mostly fits its data; what lies now and then are dtypes, dimensions and offsets.
        string[] types = ["F32", "BF16", "U8", "F64", "BOOL", "F8_E4M3", "F4"];
        int[] sizes = [4, 2, 1, 8, 1, 1, 1];
        var lie = Gen.Frequency((12, Gen.Const(0)), (1, Gen.Int[-3, 3]));
        Gen.Select(Gen.Select(Gen.Int[0, 4], Gen.Int[0, 6], Gen.Int[0, 3].Array[0, 3], lie, lie).Array[0, 4], lie).Sample((tensors, more) =>
        {
            var entries = new List<string>();
            var end = 0;
            foreach (var (name, type, shape, from, to) in tensors)
            {
                var bytes = shape.Aggregate(sizes[type], (product, n) => product * n);
                entries.Add($$"""{{'"'}}t{{name}}{{'"'}}:{"dtype":"{{types[type]}}","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{end + from}},{{end + bytes + to}}]}""");
                end += bytes;
            }
            Try(SafetensorsFileTests.Bytes("{" + string.Join(',', entries) + "}", Math.Max(0, end + more)), SafetensorsFile.Open);
        }, iter: iterations);
        Report("safetensors with lies");
    }

    [Fact]
    public void Gguf()
    {
        var valid = new GgufBuilder { Data = new byte[512] }.Pair("general.architecture", "llama").Pair("general.alignment", 32u).Pair("f", 6, w => w.Write(1f)).Pair("flag", 7, w => w.Write(true))
            .Pair("texts", 9, w => { w.Write(8u); w.Write(2L); GgufBuilder.Text(w, "ab"); GgufBuilder.Text(w, "c"); }).Pair("ids", 9, w => { w.Write(5u); w.Write(3L); w.Write(1); w.Write(2); w.Write(3); })
            .Tensor("w", 2, 0, 32, 4).Tensor("v", 0, 96, 8).Tensor("u", 12, 128, 256).Tensor("n", 8, 288, 32, 2).Build();
        var header = valid.Length - 512;
        // Single bytes, and whole numbers of 4 or 8 bytes at any place: counts, lengths, types, shapes and offsets among them.
        Gen.Select(Gen.Int[8, header - 8], Gen.Int[0, 2], Gen.Byte, Gen.Int[0, extremes.Length - 1]).Array[1, 3].Sample(changes =>
        {
            var mutated = valid.ToArray();
            foreach (var (at, kind, value, extreme) in changes)
                if (kind == 0) mutated[at] = value;
                else if (kind == 1) BinaryPrimitives.WriteUInt32LittleEndian(mutated.AsSpan(at), (uint)extremes[extreme]);
                else BinaryPrimitives.WriteUInt64LittleEndian(mutated.AsSpan(at), extremes[extreme]);
            Try(mutated, GgufFile.Open);
        }, iter: iterations);
        Report("GGUF");
    }

    [Fact]
    public void Gguf_checkpoint()
    {
        // The values of the model's own keys, and its tensors, of every kind of number.
        string[] keys = ["embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv", "context_length", "attention.layer_norm_rms_epsilon", "rope.freq_base",
            "attention.key_length", "rope.dimension_count", "attention.sliding_window", "rope.scaling.factor", "expert_count"];
        float[] odd = [0f, -1f, 1e-5f, float.NaN, float.PositiveInfinity, 10000f];
        Gen.Select(Gen.Int[0, keys.Length - 1], Gen.Int[0, 5], Gen.Int[0, extremes.Length - 1]).Array[0, 2].Select(Gen.Int[0, 2], Gen.Int[0, 8], Gen.Int[0, 3]).Sample((changes, arch, headRows, rope) =>
        {
            var changed = changes.ToLookup(c => keys[c.Item1]);
            string name = new[] { "llama", "qwen2", "gemma2" }[arch];
            var builder = new GgufBuilder { Data = new byte[512] }.Pair("general.architecture", name);
            foreach (var (key, sound) in new[] { ("embedding_length", 4u), ("feed_forward_length", 8u), ("block_count", 1u), ("attention.head_count", 2u), ("context_length", 16u) })
                if (!changed[key].Any()) builder.Pair($"{name}.{key}", sound);
            if (!changed["attention.layer_norm_rms_epsilon"].Any()) builder.Pair($"{name}.attention.layer_norm_rms_epsilon", 6, w => w.Write(1e-5f));
            foreach (var group in changed)
            {
                var (_, kind, value) = group.First();
                var key = $"{name}.{group.Key}";
                if (kind == 0) builder.Pair(key, (uint)extremes[value]);
                else if (kind == 1) builder.Pair(key, 10, w => w.Write(extremes[value]));
                else if (kind == 2) builder.Pair(key, 6, w => w.Write(odd[value % odd.Length]));
                else if (kind == 3) builder.Pair(key, 9, w => { w.Write(5u); w.Write(2L); w.Write(2); w.Write(value % 2 + 1); });
                else if (kind == 4) builder.Pair(key, "text");
            }
            builder.Tensor("token_embd.weight", 0, 0, 4, 2).Tensor("blk.0.attn_q.weight", 0, 32, 4, (ulong)headRows).Tensor("blk.0.attn_norm.weight", 0, 192, 4);
            if (rope > 0) builder.Tensor("rope_freqs.weight", 0, 224, (ulong)rope);
            Try(builder.Build(), GgufCheckpoint.Open);
        }, iter: iterations);
        Report("GGUF checkpoint");
    }

    [Fact]
    public void Gguf_with_lies_in_sound_places()
    {
        // Everything parses; what lies are counts, dimensions, types and offsets.
        var number = Gen.OneOf(Gen.Int[0, extremes.Length - 1].Select(i => extremes[i]), Gen.Int[0, 20].Select(i => (ulong)i * 32));
        var tensor = Gen.Select(Gen.Int[0, 3], Gen.UInt[0, 42], number, number.Array[0, 5]);
        Gen.Select(tensor.Array[0, 5], Gen.Int[0, 600], Gen.Int[0, 20], number).Sample((tensors, data, choice, lie) =>
        {
            var builder = new GgufBuilder { Data = new byte[data], TensorCount = choice == 0 ? (long)lie : null, PairCount = choice == 1 ? (long)lie : null };
            if (choice == 2) builder.Pair("general.alignment", (uint)lie);
            foreach (var (name, type, offset, shape) in tensors) builder.Tensor($"t{name}", type, offset, shape);
            Try(builder.Build(), GgufFile.Open);
        }, iter: iterations);
        Report("GGUF with lies");
    }

    private void Try(byte[] content, Func<string, ITensorSource> open)
    {
        Interlocked.Increment(ref tried);
        var path = Path.Combine(folder, Path.GetRandomFileName());
        File.WriteAllBytes(path, content);
        try
        {
            using var source = open(path);
            Interlocked.Increment(ref opened);
            foreach (var t in source.Tensors) Read(source, t);
        }
        catch (LowRankException e)
        {
            Assert.NotEmpty(e.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Read(ITensorSource source, TensorInfo t)
    {
        var bytes = source.Bytes(t);
        var sum = 0;
        foreach (var b in bytes) sum += b;
        Assert.True(sum >= 0 && t.ByteLength <= 1 << 20);
        if (GgufDequantizer.Supports(t.Type)) GgufDequantizer.Dequantize(t.Type, bytes, new float[t.Elements]);
    }

    private void Report(string kind)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind}: {opened} of {tried} damaged files got past the header ({100.0 * opened / tried:F1} %)"));
        Assert.InRange(opened, 1, tried);
    }
}
