using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;
using LowRank.Testing;
using LowRank.Training.Guards;
using LowRank.Training.Planning.Shapes;
using TorchSharp;

namespace LowRank.Training.Tests.Planning;

/// <summary>What the planner counts from config.json against the checkpoint and the model that is built of it, for every family.</summary>
public sealed class FamilyGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("models/sizes", !Directory.Exists(Golden.At("models")) ? []
        : Directory.GetDirectories(Golden.At("models")).Where(d => File.Exists(Path.Combine(d, "config.json"))).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Cases)), Trait("Category", "Golden")]
    public void Parameters_and_modules_are_those_of_the_model(string name)
    {
        var folder = Golden.At("models", name);
        using var tensors = SafetensorsFolder.Open(folder);
        var elements = tensors.Tensors.Sum(t => t.Elements);
        var config = ModelConfig.Load(Path.Combine(folder, "config.json"));
        var shape = ModelShape.Read(config);
        Assert.Equal(elements, shape.Parameters);
        Assert.Equal(elements, shape.Tensors().Sum());

        using var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(tensors, folder), torch.ScalarType.Float32);
        Assert.Equal(elements, model.ParameterCount);
        Assert.Equal(model.Slots.Describe().OrderBy(m => m.Name, StringComparer.Ordinal), shape.Modules().OrderBy(m => m.Name, StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Cases)), Trait("Category", "Golden")]
    public void The_fingerprint_of_memory_is_that_of_loading(string name)
    {
        var folder = Golden.At("models", name);
        using var tensors = SafetensorsFolder.Open(folder);
        var config = ModelConfig.Load(Path.Combine(folder, "config.json"));
        var loading = new BaseFingerprintBuilder();
        using var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(tensors, folder, loading), torch.ScalarType.Float32);
        Assert.Equal(loading.Finish(), BaseTensors.Fingerprint(model.Slots));
    }
}
