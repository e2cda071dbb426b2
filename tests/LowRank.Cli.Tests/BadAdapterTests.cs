using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>Adapters that do not belong to the base, are of an unknown kind or lack tensors, and results that would lie in the base: one clear error each, and nothing is written or touched.</summary>
public sealed class BadAdapterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Model(int hidden = 32) => TinyModel.Create(folder.At($"model-{hidden}"), hidden);

    private string Adapter() => TinyAdapter.Write(folder.At("adapter"));

    private Task<ToolResult> Generate(string model) => Tool.Run("generate", "--model", model, "--adapter", folder.At("adapter"), "--prompt", "a", "--raw", "--max-new-tokens", "2");

    private Task<ToolResult> Merge(string model, string output) => Tool.Run("merge", "--model", model, "--adapter", folder.At("adapter"), "--output", output);

    // Changes a file of the adapter as text.
    private void Change(string file, string from, string to)
    {
        var path = Path.Combine(folder.At("adapter"), file);
        var text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_adapter_for_a_base_of_other_shapes_is_refused_with_every_tensor_that_does_not_fit()
    {
        Adapter();
        string[] words =
        [
            "the adapter does not fit the model (0 tensors missing, 0 unexpected, 8 of another shape). Is this the base model that it was trained on?",
            "model.layers.0.self_attn.q_proj.lora_A.weight has shape [4, 32], the model needs [4, 64]", "model.layers.1.self_attn.v_proj.lora_B.weight has shape [16, 4], the model needs [32, 4]",
        ];
        (await Generate(Model(64))).AssertFails(1, words);
        (await Merge(Model(64), folder.At("out"))).AssertFails(1, words);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task An_adapter_of_another_base_is_known_by_the_fingerprint_that_it_keeps()
    {
        Adapter();
        BaseFingerprint own;
        using (var weights = SafetensorsFolder.Open(Model())) own = BaseFingerprint.Of(weights);
        void Record(string shapes, string weights) => File.WriteAllText(Path.Combine(folder.At("adapter"), AdapterRecord.FileName), new AdapterRecord(new BaseFingerprint(shapes, weights)).ToJson());
        var other = new string('0', 32);
        // Its own base: not a word.
        Record(own.Shapes, own.Weights);
        var right = await Generate(Model());
        Assert.Equal((0, false), (right.Code, right.Error.Contains(BaseFingerprint.WarningId, StringComparison.Ordinal)));
        // Weights of the same shapes may have been trained further on purpose: told, not refused.
        Record(own.Shapes, other);
        var told = await Generate(Model());
        Assert.Equal(0, told.Code);
        Assert.Contains($"LRW001: {folder.At("adapter")} was trained on a base with other weights (fingerprint {other}, here {own.Weights})", told.Error, StringComparison.Ordinal);
        Record(other, other);
        (await Generate(Model())).AssertFails(1, "the adapter was trained on a base with other tensors", "Load it on the model that it was trained on");
    }

    [Fact]
    public async Task An_unknown_kind_is_named_with_those_that_there_are()
    {
        Adapter();
        Change("adapter_config.json", "\"LORA\"", "\"VERA\"");
        foreach (var result in new[] { await Generate(Model()), await Merge(Model(), folder.At("out")) }) result.AssertFails(1, "peft_type is \"VERA\"; LORA, ADALORA, MISS, IA3 are supported", "adapter_config.json");
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task Missing_and_unexpected_tensors_are_all_listed()
    {
        Adapter();
        // The file has q and v; the configuration asks for q and k.
        Change("adapter_config.json", "\"v_proj\"", "\"k_proj\"");
        string[] keys = [.. new[] { 0, 1 }.SelectMany(layer => new[] { "A", "B" }.Select(m => $"base_model.model.model.layers.{layer}.self_attn.{{0}}.lora_{m}.weight"))];
        string[] words =
        [
            "(4 tensors missing, 4 unexpected, 0 of another shape)",
            .. keys.Select(k => k.Replace("{0}", "k_proj", StringComparison.Ordinal) + " is missing"), .. keys.Select(k => k.Replace("{0}", "v_proj", StringComparison.Ordinal) + " is not part of this adapter on this model"),
        ];
        (await Generate(Model())).AssertFails(1, words);
        (await Merge(Model(), folder.At("out"))).AssertFails(1, words);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task A_base_in_use_is_no_place_for_what_is_made_of_it()
    {
        Adapter();
        var model = Model();
        Dictionary<string, byte[]> Files() => Directory.GetFiles(model).ToDictionary(f => f, File.ReadAllBytes, StringComparer.Ordinal);
        var before = Files();
        (await Merge(model, model)).AssertFails(1, $"{model} is the base model itself, which is in use while it is merged. Give another folder");
        // By another name it is a folder that exists.
        Directory.CreateSymbolicLink(folder.At("link"), model);
        (await Merge(model, folder.At("link"))).AssertFails(1, "exists already. Choose another folder");
        (await Merge(model, folder.At("adapter"))).AssertFails(1, "exists already. Choose another folder");
        Assert.Equal(before, Files());
        Assert.Equal(2, Directory.GetFiles(folder.At("adapter")).Length);
    }

    [Fact]
    public async Task A_type_that_the_tensors_width_does_not_allow_is_told_with_the_types_that_do()
    {
        // Rows of 40: no blocks of 32.
        var model = Model(40);
        (await Tool.Run("export", "--model", model, "--type", "q8_0", "--output", folder.At("m.gguf"))).AssertFails(1, "this model cannot be written as Q8_0", "'token_embd.weight' has rows of 40, no multiple of the 32 values in a block of Q8_0", "Nothing was written; f16, bf16 and f32 hold every width");
        Assert.False(File.Exists(folder.At("m.gguf")));
        var unknown = await Tool.Run("export", "--model", model, "--type", "q9_z", "--output", folder.At("m.gguf"));
        unknown.AssertFails(unknown.Code, "q9_z", "q8_0");
        Assert.InRange(unknown.Code, 1, 2);
    }

    [Fact]
    public async Task Of_a_mixture_the_experts_are_left_out_of_an_extraction_with_a_warning()
    {
        var (basis, tuned) = (TinyFamily.Create("qwen3_moe", folder.At("base")), folder.At("tuned"));
        Directory.CreateDirectory(tuned);
        foreach (var file in Directory.GetFiles(basis)) File.Copy(file, Path.Combine(tuned, Path.GetFileName(file)));
        using (var weights = SafetensorsFile.Open(Path.Combine(basis, "model.safetensors")))
        using (var writer = SafetensorsWriter.Create(Path.Combine(tuned, "model.safetensors"), weights.Tensors.Select(t => (t.Name, t.Type, t.Shape))))
        {
            foreach (var t in weights.Tensors)
            {
                var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(weights.Bytes(t)).ToArray();
                if (t.Name.Contains("q_proj", StringComparison.Ordinal) || t.Name.Contains("experts.1.up_proj", StringComparison.Ordinal) || t.Name.EndsWith("mlp.gate.weight", StringComparison.Ordinal)) values[2] += 0.5f;
                writer.Write(t.Name, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
            }
            writer.Commit();
        }
        var result = await Tool.Run("adapters", "extract", "--base", basis, "--tuned", tuned, "--rank", "2", "--output", folder.At("out"), "--json");
        Assert.True(result.Code == 0, result.Error);
        Assert.Contains("Experts and routers are left out; name their matrices with --target to extract a pair for each", result.Error, StringComparison.Ordinal);
        var json = JsonNode.Parse(result.Out)!;
        Assert.All(json["modules"]!.AsArray(), m => Assert.Contains("q_proj", m!.ToJsonString(), StringComparison.Ordinal));
        // What the adapter will lack is named all the same.
        var lacking = json["not_held"]!.ToJsonString();
        Assert.Contains("experts.1.up_proj", lacking, StringComparison.Ordinal);
        Assert.Contains("mlp.gate.weight", lacking, StringComparison.Ordinal);
        using var adapter = AdapterFolder.Open(folder.At("out"));
        Assert.All(adapter.Weights.Tensors, t => Assert.Contains(".self_attn.q_proj.lora_", t.Name, StringComparison.Ordinal));
        // And the experts by name: a pair for each.
        var named = await Tool.Run("adapters", "extract", "--base", basis, "--tuned", tuned, "--rank", "2", "--target", "up_proj", "--output", folder.At("experts"), "--json");
        Assert.True(named.Code == 0, named.Error);
        using var experts = AdapterFolder.Open(folder.At("experts"));
        Assert.All(experts.Weights.Tensors, t => Assert.Contains(".experts.1.up_proj.lora_", t.Name, StringComparison.Ordinal));
    }
}
