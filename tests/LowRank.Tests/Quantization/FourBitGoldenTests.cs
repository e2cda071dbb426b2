using System.Text.Json;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Memory;
using LowRank.Testing;

namespace LowRank.Tests.Quantization;

/// <summary>Codes, scales and values against bitsandbytes, with the freedoms that the fixture's <c>about</c> names.</summary>
public sealed unsafe class FourBitGoldenTests
{
    // A scaled value this close to a border may take either neighbour: it is divided in another order.
    private const float AtBorder = 2e-7f;

    public static IEnumerable<TheoryDataRow<string>> Nf4 => Golden.Cases("numerics/nf4", Ids("nf4"));

    public static IEnumerable<TheoryDataRow<string>> Fp4 => Golden.Cases("numerics/fp4", Ids("fp4"));

    public static IEnumerable<TheoryDataRow<string>> Codes => Golden.Cases("numerics/codes/four-bit", File.Exists(Golden.At("numerics", "codes.json")) ? ["nf4", "fp4"] : []);

    [Theory, MemberData(nameof(Codes)), Trait("Category", "Golden")]
    public void Code_tables_and_borders_have_the_same_bits(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Golden.At("numerics", "codes.json")));
        var want = json.RootElement.GetProperty(name);
        var code = name == "nf4" ? FourBitCode.Nf4 : FourBitCode.Fp4;
        Assert.Equal(Hex(want), Array.ConvertAll(code.Values.ToArray(), Bits));
        Assert.Equal(Hex(want.GetProperty("thresholds")), Array.ConvertAll(code.Borders[..^1].ToArray(), Bits));
    }

    [Theory, MemberData(nameof(Nf4)), Trait("Category", "Golden")]
    public void Nf4_equals_bitsandbytes(string id) => Check("nf4", id);

    [Theory, MemberData(nameof(Fp4)), Trait("Category", "Golden")]
    public void Fp4_equals_bitsandbytes(string id) => Check("fp4", id);

    private static void Check(string kind, string id)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Golden.At("numerics", kind, "cases.json")));
        var c = json.RootElement.GetProperty("cases").EnumerateArray().Single(e => e.GetProperty("id").GetString() == id);
        var data = new GoldenTensors(Golden.At("numerics", kind, "cases.safetensors"));
        var type = Enum.Parse<TensorType>(c.GetProperty("dtype").GetString()!.ToUpperInvariant());
        var input = data.Floats(c.GetProperty("input").GetString()!);
        var shape = c.GetProperty("shape").EnumerateArray().Select(n => n.GetInt64()).ToArray();
        var (rows, columns) = shape.Length == 1 ? (1, shape[0]) : (shape[0], shape[1]);
        var size = c.GetProperty("blocksize").GetInt32();
        var free = c.GetProperty("bytes_depend_on_backend").GetBoolean();
        var options = new FourBitOptions { Type = kind == "nf4" ? FourBitType.Nf4 : FourBitType.Fp4, BlockSize = size, DoubleQuantization = false };

        using var single = Quantize(input, type, rows, columns, options);
        var (packed, absmax) = (Bytes(data, id + ".packed"), data.Floats(id + ".absmax"));
        var want = data.Floats(id + ".dequantized");
        Assert.Equal(absmax, FourBitSamples.Floats(single.Parts.Absmax));
        if (free) Assert.Equal(want, FourBitSamples.Values(single, type));
        else CheckCodes(options.Type, input, absmax, size, packed, FourBitSamples.Bytes(single.Parts.Packed));
        using (var stored = FourBitWeight.FromParts(new FourBitParts(rows, columns, type, options) { Packed = Buffer(packed), Absmax = Buffer(absmax) }))
            Assert.Equal(want, FourBitSamples.Values(stored, type));

        var offset = BitConverter.UInt32BitsToSingle(uint.Parse(c.GetProperty("nested_offset_hex").GetString()!, System.Globalization.NumberStyles.HexNumber, null));
        var (nestedCodes, nestedAbsmax, scales) = (Bytes(data, id + ".nested_codes"), data.Floats(id + ".nested_absmax"), data.Floats(id + ".nested_scales"));
        using (var stored = FourBitWeight.FromParts(new FourBitParts(rows, columns, type, options with { DoubleQuantization = true })
        {
            Packed = Buffer(packed), Absmax = Buffer(nestedCodes), NestedAbsmax = Buffer(nestedAbsmax), NestedOffset = offset,
        }))
        {
            for (var i = 0; i < scales.Length; i++) Near.All([scales[i]], [stored.Parts.View().Scale(i)], 1e-6 + 1e-5 * Math.Abs(scales[i]), $"scale {i}");
            if (data.Has(id + ".nested_dequantized")) Assert.Equal(data.Floats(id + ".nested_dequantized"), FourBitSamples.Values(stored, type));
        }

        if (free) return;
        using var nested = Quantize(input, type, rows, columns, options with { DoubleQuantization = true });
        Assert.Equal(FourBitSamples.Bytes(single.Parts.Packed), FourBitSamples.Bytes(nested.Parts.Packed));
        Near.All([offset], [nested.Parts.NestedOffset], 1e-6 + 1e-5 * Math.Abs(offset), "offset");
        var gotNested = FourBitSamples.Floats(nested.Parts.NestedAbsmax!);
        for (var i = 0; i < nestedAbsmax.Length; i++) Near.All([nestedAbsmax[i]], [gotNested[i]], 1e-6 + 1e-5 * Math.Abs(nestedAbsmax[i]), $"nested absmax {i}");
        var nearest = data.Has(id + ".nested_codes_nearest") ? Bytes(data, id + ".nested_codes_nearest") : nestedCodes;
        var gotCodes = FourBitSamples.Bytes(nested.Parts.Absmax);
        for (var i = 0; i < nearest.Length; i++)
            if (nestedAbsmax[i / 256] != 0) Assert.True(nearest[i] == gotCodes[i], $"scale {i}: code {gotCodes[i]}, want {nearest[i]}");
    }

    private static void CheckCodes(FourBitType type, float[] input, float[] absmax, int size, byte[] want, byte[] got)
    {
        var code = FourBitCode.Of(type);
        for (var i = 0; i < input.Length; i++)
        {
            var (w, g) = (Nibble(want, i), Nibble(got, i));
            if (w == g || code.Values[w] == 0 && code.Values[g] == 0) continue;
            var scaled = input[i] / absmax[i / size];
            var lower = Math.Min(code.ByRank.IndexOf(w), code.ByRank.IndexOf(g));
            Assert.True(Math.Abs(code.ByRank.IndexOf(w) - code.ByRank.IndexOf(g)) == 1 && Math.Abs(scaled - code.Borders[lower]) <= AtBorder,
                $"element {i} ({scaled:g9}): code {g}, want {w}");
        }
    }

    private static byte Nibble(byte[] packed, int i) => (byte)(i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15);

    private static FourBitWeight Quantize(float[] values, TensorType type, long rows, long columns, FourBitOptions options)
    {
        var data = FourBitSamples.Narrow(values, type);
        fixed (byte* first = data) return FourBitWeight.Quantize(first, type, rows, columns, options, "w");
    }

    private static NativeBuffer Buffer<T>(T[] values)
        where T : unmanaged
    {
        fixed (T* first = values) return NativeBuffer.CopyOf((byte*)first, values.Length * sizeof(T));
    }

    private static byte[] Bytes(GoldenTensors data, string name) => Array.ConvertAll(data.Longs(name), v => (byte)v);

    private static IEnumerable<string> Ids(string kind)
    {
        var path = Golden.At("numerics", kind, "cases.json");
        if (!File.Exists(path)) return [];
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        return [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!)];
    }

    private static string[] Hex(JsonElement table) => [.. table.GetProperty("hex").EnumerateArray().Select(e => e.GetString()!)];

    private static string Bits(float v) => BitConverter.SingleToUInt32Bits(v).ToString("x8", null);
}
