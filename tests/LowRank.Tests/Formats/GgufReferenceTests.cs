using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Formats;

/// <summary>The real SmolLM2 file against what gguf-py 0.19 reads in it (fixtures/gguf/reference.json).</summary>
[Trait("Category", "RealModel")]
public sealed unsafe class GgufReferenceTests
{
    public static IEnumerable<TheoryDataRow<string>> References => Golden.Cases("gguf/reference", "gguf", "reference.json");

    [Theory, MemberData(nameof(References))]
    public void Header_equals_that_of_gguf_py(string name)
    {
        using var reference = Load(name, out var file);
        using var _ = file;
        Assert.Equal(reference.RootElement.GetProperty("alignment").GetInt64(), file.Alignment);
        Assert.Equal(reference.RootElement.GetProperty("data_offset").GetInt64(), file.DataOffset);
        var keys = reference.RootElement.GetProperty("metadata").EnumerateObject().Where(k => !k.Name.StartsWith("GGUF.", StringComparison.Ordinal)).ToArray();
        Assert.Equal(keys.Select(k => k.Name), file.Metadata.Keys);
        foreach (var key in keys) AssertValue(key.Name, key.Value, file.Metadata[key.Name]);
        var wanted = reference.RootElement.GetProperty("tensors").EnumerateArray().ToArray();
        Assert.Equal(wanted.Length, file.Tensors.Count);
        foreach (var want in wanted)
        {
            Assert.True(file.TryGet(want.GetProperty("name").GetString()!, out var got));
            Assert.Equal(want.GetProperty("type").GetString(), got.Type.ToString());
            Assert.Equal(want.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64()).Reverse(), got.Shape);
            Assert.Equal(want.GetProperty("offset").GetInt64(), got.Offset - file.DataOffset);
            Assert.Equal(want.GetProperty("bytes").GetInt64(), got.ByteLength);
            Assert.Equal(want.GetProperty("elements").GetInt64(), got.Elements);
        }
    }

    [Theory, MemberData(nameof(References))]
    public void Dequantized_tensors_have_the_hashes_of_gguf_py(string name)
    {
        using var reference = Load(name, out var file);
        using var _ = file;
        foreach (var sample in reference.RootElement.GetProperty("samples").EnumerateArray())
        {
            Assert.True(file.TryGet(sample.GetProperty("name").GetString()!, out var info));
            Assert.Equal(sample.GetProperty("sha256_raw").GetString(), Convert.ToHexStringLower(SHA256.HashData(file.Bytes(info))));
            var values = new float[info.Elements];
            fixed (float* to = values) GgufDequantizer.Dequantize(info.Type, file.Pointer(info), info.Elements, to);
            Assert.Equal(sample.GetProperty("sha256_f32_le").GetString(), Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(values))));
            file.DropPages(info);
            Assert.Equal(sample.GetProperty("sha256_raw").GetString(), Convert.ToHexStringLower(SHA256.HashData(file.Bytes(info))));
        }
    }

    private static JsonDocument Load(string name, out GgufFile file)
    {
        var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("gguf", name + ".json")));
        file = GgufFile.Open(RealModels.Require(reference.RootElement.GetProperty("file").GetProperty("name").GetString()!));
        return reference;
    }

    private static void AssertValue(string key, JsonElement want, object got)
    {
        var type = want.GetProperty("type").GetString()!;
        if (type != "ARRAY")
        {
            var v = want.GetProperty("value");
            object expected = type switch
            {
                "STRING" => v.GetString()!,
                "BOOL" => v.GetBoolean(),
                "UINT32" => v.GetUInt32(),
                "INT32" => v.GetInt32(),
                "UINT64" => v.GetUInt64(),
                "FLOAT32" => (float)v.GetDouble(),
                _ => throw new InvalidDataException($"{key}: reference type {type}"),
            };
            Assert.Equal(expected, got);
            return;
        }
        var array = Assert.IsAssignableFrom<Array>(got);
        Assert.Equal(want.GetProperty("length").GetInt32(), array.Length);
        if (want.TryGetProperty("sha256_utf8_joined_by_nul", out var joined))
            Assert.Equal(joined.GetString(), Hash(string.Join('\0', (string[])array)));
        else if (want.TryGetProperty("sha256_json", out var json))
            Assert.Equal(json.GetString(), Hash("[" + string.Join(',', array.Cast<IFormattable>().Select(n => n.ToString(null, CultureInfo.InvariantCulture))) + "]"));
        else
            Assert.Equal(want.GetProperty("value").EnumerateArray().Select(e => e.ToString()), array.Cast<object>().Select(e => Convert.ToString(e, CultureInfo.InvariantCulture)));
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
