using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Models.Families;
using LowRank.Testing;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Tests.Planning;

/// <summary>Sizes of real models against those that Transformers, PEFT and bitsandbytes give: numerics/memory.json, to the last parameter and byte.</summary>
public sealed class MemoryGoldenTests
{
    private static readonly Dictionary<string, JsonElement> ByName = Read();

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/memory", ByName.Keys);

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Category", "Golden")]
    public void Parameters_and_bytes_are_exact(string name)
    {
        var want = ByName[name];
        var json = JsonNode.Parse(want.GetProperty("config").GetRawText())!.AsObject();
        json["model_type"] ??= want.GetProperty("family").GetString();
        var model = ModelShape.Read(new ModelConfig(json, name));

        Assert.Equal(Long(want, "total"), model.Parameters);
        Assert.Equal(Long(want, "embedding"), model.EmbeddingWeights);
        Assert.Equal(Long(want, "lm_head"), model.TiedHead ? 0 : model.HeadWeights);
        Assert.Equal(want.GetProperty("tied").GetBoolean(), model.TiedHead);
        Assert.Equal(Long(want, "linear_weights"), model.LinearWeights);
        Assert.Equal(Long(want, "linear_biases"), model.LinearBiases);
        Assert.Equal(Long(want, "norms"), model.NormWeights);
        Assert.Equal(Long(want, "bf16_bytes"), BaseBytes.Of(model, BasePrecision.Bf16));
        Assert.Equal(want.GetProperty("modules_per_layer").EnumerateArray().Select(m => (m.GetProperty("name").GetString()!, Long(m, "in"), Long(m, "out"), m.GetProperty("bias").GetBoolean())).ToHashSet(),
            model.Linears.Select(l => (l.Name, l.In, l.Out, l.HasBias)).ToHashSet());
        var nf4 = want.GetProperty("nf4_bytes");
        Assert.Equal(Long(nf4, "single"), BaseBytes.Nf4(model, doubleQuantization: false));
        Assert.Equal(Long(nf4, "double"), BaseBytes.Nf4(model, doubleQuantization: true));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Category", "Golden")]
    public void Adapters_count_as_PEFT_counts_them(string name)
    {
        var want = ByName[name];
        var json = JsonNode.Parse(want.GetProperty("config").GetRawText())!.AsObject();
        json["model_type"] ??= want.GetProperty("family").GetString();
        var model = ModelShape.Read(new ModelConfig(json, name));
        foreach (var lora in want.GetProperty("lora").EnumerateArray())
        {
            var targets = lora.GetProperty("targets");
            var pattern = targets.ValueKind == JsonValueKind.String ? ModulePattern.Parse(targets.GetString()!) : ModulePattern.FromNames([.. targets.EnumerateArray().Select(t => t.GetString()!)]);
            var rank = lora.GetProperty("r").GetInt32();
            var adapter = AdapterShape.Of(model, new LoraConfig { Rank = rank, Alpha = rank, TargetModules = pattern });
            var what = $"{name}, {targets}, r {rank}";
            Assert.True(Long(lora, "trainable") == adapter.TrainableParameters, $"{what}: {adapter.TrainableParameters} trainable");
            Assert.True(Long(lora, "all") == model.Parameters + adapter.AddedParameters, $"{what}: {model.Parameters + adapter.AddedParameters} in all");
            // PEFT prints four decimals: half of the last is the tolerance.
            Assert.Equal(lora.GetProperty("percent").GetDouble(), adapter.PercentOf(model), 0.00005001);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Category", "Golden")]
    public void One_module_has_the_bytes_that_bitsandbytes_stores(string name)
    {
        var want = ByName[name];
        Assert.SkipUnless(want.TryGetProperty("nf4_measured", out var measured), "absent: nf4_measured");
        var weights = Long(measured, "out") * Long(measured, "in");
        Assert.Equal(Long(measured.GetProperty("single"), "codes_and_absmax"), BaseBytes.Nf4(weights, doubleQuantization: false));
        // The offset of 4 bytes lies within quant_state there.
        Assert.Equal(Long(measured.GetProperty("double"), "codes_and_absmax"), BaseBytes.Nf4(weights, doubleQuantization: true) - 4);
    }

    private static long Long(JsonElement at, string key) => at.GetProperty(key).GetInt64();

    private static Dictionary<string, JsonElement> Read()
    {
        var path = Golden.At("numerics", "memory.json");
        return File.Exists(path) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases").EnumerateArray().ToDictionary(c => c.GetProperty("model").GetString()!, StringComparer.Ordinal) : [];
    }
}
