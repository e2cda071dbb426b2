using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Tests.Checkpoints;

/// <summary>Checkpoints in 4 bits as transformers saves them through bitsandbytes: the logits of the model that they make.</summary>
[Trait("Category", "Golden")]
public sealed class FourBitCheckpointGoldenTests
{
    private static readonly string root = Golden.At("numerics", "bnb_checkpoint");

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/bnb_checkpoint", [.. Tests().Select(c => c.GetProperty("id").GetString()!)],
        id => Test(id).GetProperty("quant_type").GetString() == "int8" ? $"{id}: 8-bit weights are not built yet" : null);

    private static IEnumerable<JsonElement> Tests()
    {
        var path = Path.Combine(root, "cases.json");
        return File.Exists(path) ? [.. JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases").EnumerateArray()] : [];
    }

    private static JsonElement Test(string id) => Tests().Single(c => c.GetProperty("id").GetString() == id);

    [Theory, MemberData(nameof(Cases))]
    public void Gives_the_logits_of_transformers(string id)
    {
        var test = Test(id);
        var want = new GoldenTensors(Path.Combine(root, "cases.safetensors"));
        var ids = want.Longs(test.GetProperty("input").GetString()!);
        var rows = want.Shape(test.GetProperty("input").GetString()!)[0];
        // The sharp check is fp32 compute; a bf16 checkpoint has it under a name of its own, beside bf16 compute.
        var isHalf = test.TryGetProperty("want_fp32_compute", out var sharp);
        using var scope = NewDisposeScope();
        Compare(Logits(test, ids, rows, ScalarType.Float32), want.Floats((isHalf ? sharp : test.GetProperty("want")).GetString()!), test.GetProperty(isHalf ? "fp32_compute_tolerance" : "tolerance"));
        if (isHalf) Compare(Logits(test, ids, rows, ScalarType.BFloat16), want.Floats(test.GetProperty("want").GetString()!), test.GetProperty("tolerance"));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Quantizing_the_plain_checkpoint_gives_the_same_tensors(string id)
    {
        var test = Test(id);
        var plain = Golden.At("numerics", "base_llama");
        Assert.SkipUnless(Directory.Exists(plain) && test.GetProperty("dtype").GetString() == "float32", $"{id}: there is no plain checkpoint of its type");
        var folder = Path.Combine(Path.GetTempPath(), $"lowrank-{Guid.NewGuid():N}");
        try
        {
            FourBitConverter.Quantize(plain, folder, new Quantization.FourBitOptions
            {
                Type = Enum.Parse<Quantization.FourBitType>(test.GetProperty("quant_type").GetString()!, ignoreCase: true), DoubleQuantization = test.GetProperty("double_quant").GetBoolean(),
            });
            using var got = SafetensorsFolder.Open(folder);
            using var want = SafetensorsFolder.Open(Path.Combine(root, test.GetProperty("folder").GetString()!));
            Assert.Equal(want.Tensors.Select(t => t.Name), got.Tensors.Select(t => t.Name));
            var codesOff = 0;
            foreach (var w in want.Tensors)
            {
                Assert.True(got.TryGet(w.Name, out var g));
                var wanted = want.Bytes(w);
                var made = got.Bytes(g);
                Assert.Equal(w.Type, g.Type);
                if (w.Name.Contains(".quant_state.", StringComparison.Ordinal)) SameState(wanted, made);
                // The mean of the scales depends on the order of summing: the tolerances of numerics/nf4.
                else if (w.Name.EndsWith(".nested_absmax", StringComparison.Ordinal)) Compare(MemoryMarshal.Cast<byte, float>(made).ToArray(), MemoryMarshal.Cast<byte, float>(wanted).ToArray(), 1e-6, 1e-5);
                // bitsandbytes' CPU quantizer misses the nearest code of a few scales, by one step.
                else if (w.Name.EndsWith(".absmax", StringComparison.Ordinal) && w.Type == TensorType.U8)
                    for (var i = 0; i < wanted.Length; i++) codesOff += wanted[i] != made[i] ? 1 : 0;
                else Assert.True(wanted.SequenceEqual(made), w.Name);
            }
            Assert.True(codesOff <= test.GetProperty("nested_codes_off_nearest").GetInt32(), $"{codesOff} codes of scales differ");
            var config = ModelConfig.Load(Path.Combine(folder, "config.json"));
            var original = ModelConfig.Load(Path.Combine(root, test.GetProperty("folder").GetString()!, "config.json"));
            Assert.Equal(original.Object("quantization_config")!.ToJsonString(), config.Object("quantization_config")!.ToJsonString());
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    private static float[] Logits(JsonElement test, long[] ids, long rows, ScalarType compute)
    {
        var folder = Path.Combine(root, test.GetProperty("folder").GetString()!);
        var config = ModelConfig.Load(Path.Combine(folder, "config.json"));
        Assert.True(QuantizationConfig.IsFourBit(config));
        using var tensors = SafetensorsFolder.Open(folder);
        var reader = new WeightReader(tensors, folder);
        using var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), reader, compute);
        Assert.Equal(test.GetProperty("double_quant").GetBoolean(), reader.ReadForm!.DoubleQuantization);
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded(ids, rows);
        using var logits = model.Logits(model.Hidden(input));
        return logits.data<float>().ToArray();
    }

    private static void SameState(ReadOnlySpan<byte> want, ReadOnlySpan<byte> got)
    {
        var (wanted, made) = (JsonNode.Parse(want)!.AsObject(), JsonNode.Parse(got)!.AsObject());
        if (wanted["nested_offset"] is { } offset) Compare([made["nested_offset"]!.GetValue<float>()], [offset.GetValue<float>()], 1e-6, 1e-5);
        foreach (var state in (JsonObject[])[wanted, made]) state.Remove("nested_offset");
        Assert.Equal(wanted.ToJsonString(), made.ToJsonString());
    }

    private static void Compare(float[] got, float[] want, JsonElement tolerance) => Compare(got, want, tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());

    private static void Compare(float[] got, float[] want, double atol, double rtol)
    {
        Assert.Equal(want.Length, got.Length);
        for (var i = 0; i < want.Length; i++)
            Assert.True(Math.Abs(got[i] - want[i]) <= atol + rtol * Math.Abs(want[i]), $"element {i} is {got[i]:g7}, want {want[i]:g7}");
    }
}
