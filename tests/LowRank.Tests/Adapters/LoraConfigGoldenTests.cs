using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

/// <summary>Every adapter_config.json that PEFT wrote is read and written back, or refused by the names of what is not built.</summary>
public sealed class LoraConfigGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> ModelCases => Golden.Cases("models/lora/config", AdapterGoldens.Folders("models/lora"));

    public static IEnumerable<TheoryDataRow<string>> SavedCases => Golden.Cases("numerics/adapters/saved/config", AdapterGoldens.Folders("numerics/adapters/saved"));

    public static IEnumerable<TheoryDataRow<string>> TrainCases => Golden.Cases("smollm2/train/config", AdapterGoldens.Folders("smollm2/train"));

    public static IEnumerable<TheoryDataRow<string>> ConversionCases => Golden.Cases("numerics/adapters/pissa_to_lora/config", AdapterGoldens.Folders("numerics/adapters/pissa_to_lora"));

    [Theory, MemberData(nameof(ModelCases)), Trait("Category", "Golden")]
    public void Model_adapters(string name) => Check(Golden.At(["models", "lora", .. name.Split('/')]));

    [Theory, MemberData(nameof(SavedCases)), Trait("Category", "Golden")]
    public void Saved_adapters(string name) => Check(Golden.At(["numerics", "adapters", "saved", .. name.Split('/')]));

    [Theory, MemberData(nameof(TrainCases)), Trait("Category", "Golden")]
    public void Trained_adapters(string name) => Check(Golden.At(["smollm2", "train", .. name.Split('/')]));

    [Theory, MemberData(nameof(ConversionCases)), Trait("Category", "Golden")]
    public void Converted_adapters(string name) => Check(Golden.At(["numerics", "adapters", "pissa_to_lora", .. name.Split('/')]));

    private static void Check(string folder)
    {
        var json = File.ReadAllText(Path.Combine(folder, "adapter_config.json"));
        var document = JsonNode.Parse(json)!.AsObject();
        var refused = Refused(document);
        if (refused.Length > 0)
        {
            var error = Assert.Throws<LoraConfigException>(() => AdapterConfig.Load(folder));
            Assert.All(refused, field => Assert.Contains(error.Problems, p => p.Contains(field, StringComparison.Ordinal)));
            return;
        }
        var config = AdapterConfig.Load(folder);
        config.Validate();
        Assert.Equal(json, config.ToJson());

        // Without the document that was read, everything comes from the properties: PEFT's order, format and defaults.
        var rebuilt = JsonNode.Parse((config with { Source = null }).ToJson())!;
        document["inference_mode"] = true;
        if (document["layers_pattern"] is JsonValue one) document["layers_pattern"] = new JsonArray(one.DeepClone());
        if (document["layers_to_transform"] is JsonValue layer) document["layers_to_transform"] = new JsonArray(layer.DeepClone());
        Assert.True(JsonNode.DeepEquals(document, rebuilt), $"{rebuilt}");
    }

    /// <summary>The fields of a file that ask for what is not built, found without LowRank's own list.</summary>
    private static string[] Refused(JsonObject document)
    {
        switch (document["peft_type"]!.GetValue<string>())
        {
            case "LORA": break;
            case "MISS" or "IA3" or "ADALORA": return [];
            default: return ["peft_type"];
        }
        var flags = document.Where(f => f.Key is "use_qalora" && f.Value is JsonValue v && v.GetValue<bool>()).Select(f => f.Key);
        var sections = document.Where(f => (f.Key.EndsWith("_config", StringComparison.Ordinal) || f.Key is "alora_invocation_tokens" or "layer_replication" or "use_bdlora")
            && f.Value is JsonObject { Count: > 0 } or JsonArray { Count: > 0 }).Select(f => f.Key);
        var other = document["init_lora_weights"] is JsonValue init && init.TryGetValue(out string? text) && text is not ("gaussian" or "pissa" or "olora" or "orthogonal") && !text.StartsWith("pissa_niter_", StringComparison.Ordinal) ? ["init_lora_weights"] : Array.Empty<string>();
        return [.. flags, .. sections, .. other];
    }
}
