using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

public sealed class AdapterFolderTests
{
    private static readonly AdaptableModule[] Model =
    [
        new("model.embed_tokens", ModuleKind.Embedding, 10, 4, false),
        new("model.layers.0.self_attn.q_proj", ModuleKind.Linear, 4, 6, true),
        new("model.layers.0.self_attn.k_proj", ModuleKind.Linear, 4, 2, true),
        new("model.norm", ModuleKind.Other, 0, 4, false),
    ];

    private static readonly LoraConfig Config = new() { Rank = 2, TargetModules = ["q_proj"], Bias = BiasTraining.All, LoraBias = true, ModulesToSave = ["norm"] };

    [Fact]
    public void Tensors_and_record_come_back()
    {
        using var folder = new TemporaryFolder();
        var expected = Tensors(Config);
        Assert.Equal(["lora_A.weight", "lora_B.weight", "lora_B.bias", "weight", "base_layer.bias", "bias"], expected.Select(t => t.Name[(t.Module.Length + 1)..]));
        var record = new AdapterRecord(new BaseFingerprint("11", "22"), new JsonObject { ["seed"] = 7 });
        Write(folder.At("a"), expected, TensorType.F32, record);

        using var adapter = AdapterFolder.Open(folder.At("a"));
        adapter.RequireExactly(expected);
        Assert.Equal(record.Base, adapter.Record!.Base);
        Assert.Equal(7, adapter.Record.Run!["seed"]!.GetValue<int>());
        var a = new float[8];
        Assert.True(adapter.TryRead(expected[0].Key, a));
        Assert.Equal([0f, 0.5f, 1f, 1.5f, 2f, 2.5f, 3f, 3.5f], a);
        Assert.False(adapter.TryRead("no.such", a));
    }

    [Fact]
    public void A_record_keeps_the_form_of_the_base_with_what_was_left_out()
    {
        using var folder = new TemporaryFolder();
        var form = new FourBitOptions { Type = FourBitType.Fp4, BlockSize = 128, DoubleQuantization = false, Skip = ["model.layers.0", "down_proj"] };
        Write(folder.At("a"), Tensors(Config), TensorType.F32, new AdapterRecord(new BaseFingerprint("11", "22"), Quantization: form));

        var read = AdapterRecord.Load(folder.At("a"))!.Quantization!;
        Assert.Equal((form.Type, form.BlockSize, form.DoubleQuantization), (read.Type, read.BlockSize, read.DoubleQuantization));
        Assert.Equal(form.Skip, read.Skip);
        Assert.True(read.Skips("model.layers.0.self_attn.q_proj") && read.Skips("model.layers.1.mlp.down_proj") && !read.Skips("model.layers.1.mlp.up_proj"));
    }

    [Theory]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    public void Sixteen_bit_adapters_are_read_as_single_precision(TensorType type)
    {
        using var folder = new TemporaryFolder();
        var tensor = Tensors(Config)[0];
        using (var writer = AdapterFolder.Create(folder.At("a"), Config, [(tensor.Name, type, tensor.Shape)]))
        {
            Span<ushort> bits = stackalloc ushort[8];
            for (var i = 0; i < 8; i++) bits[i] = type == TensorType.F16 ? BitConverter.HalfToUInt16Bits((Half)(i * 0.5f)) : FloatConversion.SingleToBFloat16(i * 0.5f);
            writer.Write(tensor.Name, System.Runtime.InteropServices.MemoryMarshal.AsBytes(bits));
            writer.Commit();
        }
        using var adapter = AdapterFolder.Open(folder.At("a"));
        var values = new float[8];
        Assert.True(adapter.TryRead(tensor.Key, values));
        Assert.Equal(3.5f, values[7]);
    }

    [Fact]
    public void Everything_that_does_not_fit_is_told_together()
    {
        using var folder = new TemporaryFolder();
        var expected = Tensors(Config);
        List<AdapterTensorSpec> written = [.. expected];
        written[0] = written[0] with { Shape = [3, 4] };
        written[1] = written[1] with { Name = "model.layers.0.self_attn.q_prj.lora_B.weight" };
        written.RemoveAt(3);
        written.Add(new AdapterTensorSpec("model.layers.0.self_attn.q_proj.lora_magnitude_vector", AdapterTensorKind.Saved, "m", [6]));
        Write(folder.At("a"), written, TensorType.F32);
        using var adapter = AdapterFolder.Open(folder.At("a"));
        var error = Assert.Throws<AdapterException>(() => adapter.RequireExactly(expected));
        Assert.Contains("2 tensors missing, 2 unexpected, 1 of another shape", error.Message, StringComparison.Ordinal);
        Assert.Contains(error.Problems, p => p.EndsWith("q_proj.lora_A.weight has shape [3, 4], the model needs [2, 4]", StringComparison.Ordinal));
        Assert.Contains(error.Problems, p => p.Contains("q_proj.lora_B.weight is missing (there is base_model.model.model.layers.0.self_attn.q_prj.lora_B.weight)", StringComparison.Ordinal));
        Assert.Contains(error.Problems, p => p.Contains("base_model.model.model.norm.weight is missing", StringComparison.Ordinal));
        Assert.Contains(error.Problems, p => p.Contains("it belongs to DoRA, which use_dora in adapter_config.json asks for", StringComparison.Ordinal));
    }

    [Fact]
    public void A_copy_of_the_base_may_be_left_out()
    {
        var config = new LoraConfig { Rank = 2, TargetModules = ["embed_tokens"] };
        var expected = Tensors(config);
        Assert.Equal(["model.embed_tokens.lora_embedding_A", "model.embed_tokens.lora_embedding_B", "model.embed_tokens.base_layer.weight"], expected.Select(t => t.Name));
        Assert.Equal([[2L, 10], [4L, 2], [10L, 4]], expected.Select(t => t.Shape));
        using var folder = new TemporaryFolder();
        Write(folder.At("a"), expected.Where(t => t.IsTrained), TensorType.F32);
        using var adapter = AdapterFolder.Open(folder.At("a"));
        adapter.RequireExactly(expected);
        Assert.All(Tensors(config with { TargetModules = ["model.embed_tokens"] }), t => Assert.True(t.IsTrained)); // PEFT looks for the short name
    }

    [Fact]
    public void Folders_that_are_no_adapters_are_told_apart()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("there is no such folder", Open(folder.At("none")), StringComparison.Ordinal);
        Assert.Contains("adapter_config.json and adapter_model.safetensors are missing", Open(folder.Path), StringComparison.Ordinal);
        Directory.CreateDirectory(folder.At("pickle"));
        File.WriteAllText(folder.At("pickle/adapter_config.json"), Config.ToJson());
        File.WriteAllText(folder.At("pickle/adapter_model.bin"), "x");
        Assert.Contains("reading a pickle runs code from the file", Open(folder.At("pickle")), StringComparison.Ordinal);
        Assert.Contains($"but in {folder.At("pickle")}", Open(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void An_existing_folder_is_not_touched_and_a_broken_write_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("a"));
        File.WriteAllText(folder.At("a/precious"), "");
        Assert.Contains("exists already", Assert.ThrowsAny<LowRankException>(() => Write(folder.At("a"), Tensors(Config), TensorType.F32)).Message, StringComparison.Ordinal);
        using (var writer = AdapterFolder.Create(folder.At("b"), Config, [("x", TensorType.F32, [2])]))
            Assert.Throws<InvalidOperationException>(writer.Commit);
        Assert.Equal(["a"], Directory.GetFileSystemEntries(folder.Path).Select(p => Path.GetFileName(p)!));
        // A preset has no place in a file: that is noticed before anything is created.
        Assert.Throws<LoraConfigException>(() => AdapterFolder.Create(folder.At("c"), new LoraConfig { TargetModules = ModulePattern.Preset("qv") }, []));
        Assert.Equal(["a"], Directory.GetFileSystemEntries(folder.Path).Select(p => Path.GetFileName(p)!));
    }

    [Theory]
    [InlineData("{", "lowrank.json is not JSON: line 1")]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{\"format\": 9}", "has the form 9, this version reads 1")]
    [InlineData("{\"format\": 1, \"base\": {\"shapes\": 3}}", "has a field of the wrong kind")]
    [InlineData("{\"format\": 1, \"base\": {\"shapes\": \"a\"}}", "\"base\" has no \"weights\"")]
    public void A_broken_record_is_told(string json, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At(AdapterRecord.FileName), json);
        Assert.Contains(message, Assert.Throws<AdapterException>(() => AdapterRecord.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_fingerprint_knows_weights_and_shapes_but_not_order()
    {
        var a = Fingerprint(("x", [2, 3], 1), ("y", [6], 2));
        Assert.Equal(32, a.Weights.Length);
        Assert.Equal(a, Fingerprint(("y", [6], 2), ("x", [2, 3], 1)));
        var otherWeights = Fingerprint(("x", [2, 3], 1), ("y", [6], 3));
        var otherShapes = Fingerprint(("x", [3, 2], 1), ("y", [6], 2));
        Assert.Equal(a.Shapes, otherWeights.Shapes);
        Assert.NotEqual(a.Shapes, otherShapes.Shapes);
        Assert.Null(BaseFingerprint.Compare(a, a, "f"));
        Assert.Null(BaseFingerprint.Compare(null, a, "f"));
        Assert.StartsWith("LRW001: f was trained on a base with other weights", BaseFingerprint.Compare(a, otherWeights, "f"), StringComparison.Ordinal);
        Assert.Throws<AdapterException>(() => BaseFingerprint.Compare(a, otherShapes, "f"));
        Assert.Throws<ArgumentException>(() => Fingerprint(("x", [1], 1), ("x", [1], 1)));
    }

    [Fact]
    public void The_fingerprint_of_a_file_is_that_of_its_tensors()
    {
        using var folder = new TemporaryFolder();
        Write(folder.At("a"), Tensors(Config), TensorType.F32);
        using var adapter = AdapterFolder.Open(folder.At("a"));
        var builder = new BaseFingerprintBuilder();
        foreach (var t in adapter.Weights.Tensors) builder.Add(t.Name, t.Shape, adapter.Weights.Bytes(t));
        Assert.Equal(builder.Finish(), BaseFingerprint.Of(adapter.Weights));
    }

    private static IReadOnlyList<AdapterTensorSpec> Tensors(LoraConfig config) => AdapterKeys.TensorsOf(TargetMatcher.Select(config, Model), Model);

    private static void Write(string folder, IEnumerable<AdapterTensorSpec> tensors, TensorType type, AdapterRecord? record = null)
    {
        using var writer = AdapterFolder.Create(folder, Config, [.. tensors.Select(t => (t.Name, type, t.Shape))], record);
        foreach (var t in tensors) writer.Write(t.Name, [.. Enumerable.Range(0, (int)t.Shape.Aggregate(1L, (a, b) => a * b)).Select(i => i * 0.5f)]);
        writer.Commit();
    }

    private static string Open(string folder) => Assert.Throws<AdapterException>(() => AdapterFolder.Open(folder).Dispose()).Message;

    private static BaseFingerprint Fingerprint(params (string Name, long[] Shape, byte Fill)[] tensors)
    {
        var builder = new BaseFingerprintBuilder();
        foreach (var (name, shape, fill) in tensors)
        {
            var bytes = new byte[2 * shape.Aggregate(1L, (a, b) => a * b)];
            Array.Fill(bytes, fill);
            builder.Add(name, shape, bytes);
        }
        return builder.Finish();
    }
}
