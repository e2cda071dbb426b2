using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>adapter_config.json of every kind, planned for a model. Past the header when it is a JSON object.</summary>
internal sealed class AdapterConfigFuzz() : FuzzFormat("adapter-config")
{
    private static readonly Lazy<ModelShape> shape = new(() => ModelShape.Read(KnownModel.All[0].Config));

    private static readonly Lazy<JsonElement[]> files = new(() =>
    [
        .. SoundFiles.Json(SoundFiles.Below("models", "adapter_config.json", SearchOption.AllDirectories)).Take(12),
        .. ((AdapterConfig[])
        [
            new LoraConfig { Rank = 4, TargetModules = ModulePattern.Regex(@".*\.(q|v)_proj"), RankPattern = { ["q_proj"] = 2 }, AlphaPattern = { ["^model.layers.1"] = 3.5 }, LayersToTransform = [0, 1], LayersPattern = ["layers"] },
            new LoraConfig { TargetModules = ["q_proj"], ModulesToSave = ["lm_head"], Bias = BiasTraining.LoraOnly, TrainableTokens = TrainableTokens.Of([1, 2, 3]), UseRslora = true },
            new AdaLoraConfig { TargetModules = ModulePattern.AllLinear, TotalSteps = 100 }, new MissConfig { TargetModules = ["up_proj"] }, new Ia3Config { TargetModules = ["k_proj", "down_proj"], FeedForwardModules = ["down_proj"] },
        ]).Select(c => JsonElement.Parse(c.ToJson())),
    ]);

    public override byte[] Make(FuzzRandom random) => JsonMutator.Damaged(random.Pick(files.Value), random);

    public override void Read(FuzzInput input)
    {
        if (SoundFiles.IsObject(input.Bytes)) input.PassHeader();
        input.Write(AdapterConfig.FileName);
        var config = AdapterConfig.Load(input.Folder);
        var planned = AdapterShape.Of(shape.Value, config);
        Assert.True(planned.AddedParameters >= 0);
        AdapterConfig.Parse(config.ToJson());
    }
}
