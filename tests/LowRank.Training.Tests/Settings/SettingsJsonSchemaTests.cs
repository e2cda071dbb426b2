using System.Text.Json.Nodes;
using LowRank.Training.Settings;
using NJsonSchema;

namespace LowRank.Training.Tests.Settings;

/// <summary>The schema says of a file what the binder says, by the judgement of another library.</summary>
public class SettingsJsonSchemaTests
{
    private static readonly JsonObject Document = SettingsJsonSchema.Of<TrainSettings>("settings");

    [Fact]
    public void Every_setting_is_described_with_its_default()
    {
        var properties = Document["properties"]!.AsObject();
        Assert.Equal(SettingsSchema<TrainSettings>.All.Select(s => s.Key), properties.Select(p => p.Key));
        Assert.All(SettingsSchema<TrainSettings>.All, s => Assert.StartsWith(s.Help, properties[s.Key]!["description"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.Equal(16, properties["rank"]!["default"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"rank": 8, "alpha": 16.5, "target": ["q_proj", "v_proj"], "validation": 0.1, "packing": true, "learning-rate": "auto", "threads": null, "dtype": "bf16"}""", true)]
    [InlineData("""{"target": "qv", "validation": "10%", "train-tokens": [1, 2], "max-steps": null, "dtype": null}""", true)]
    [InlineData("""{"rnak": 8}""", false)]
    [InlineData("""{"rank": 0}""", false)]
    [InlineData("""{"rank": 8.5}""", false)]
    [InlineData("""{"rank": "auto"}""", false)]
    [InlineData("""{"dropout": 1}""", false)]
    [InlineData("""{"method": "Lora"}""", false)]
    [InlineData("""{"packing": "yes"}""", false)]
    [InlineData("""{"learning-rate": "fast"}""", false)]
    [InlineData("""{"adapter": {"rank": 8}}""", false)]
    public async Task It_takes_and_refuses_what_the_binder_does(string file, bool isRight)
    {
        var schema = await JsonSchema.FromJsonAsync(Document.ToJsonString(), TestContext.Current.CancellationToken);
        Assert.Equal(isRight, schema.Validate(file).Count == 0);
        var entries = JsonNode.Parse(file)!.AsObject();
        // A mapping is no value of a setting: SettingsYaml refuses it before the binder sees it.
        if (entries.Any(e => e.Value is JsonObject)) return;
        var isBound = true;
        try
        {
            SettingsBinder.FromJson<TrainSettings>(entries, "run.yaml");
        }
        catch (SettingsException)
        {
            isBound = false;
        }
        Assert.Equal(isRight, isBound);
    }

    [Fact]
    public async Task What_print_config_writes_passes()
    {
        var schema = await JsonSchema.FromJsonAsync(Document.ToJsonString(), TestContext.Current.CancellationToken);
        Assert.Empty(schema.Validate(SettingsBinder.ToJson(new TrainSettings()).ToJsonString()));
    }
}
