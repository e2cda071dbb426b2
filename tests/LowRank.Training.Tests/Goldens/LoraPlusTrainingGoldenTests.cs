using System.Text.Json;
using LowRank.Adapters;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Objectives;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>Five steps of LoRA+ as PEFT takes them (fixtures/models/training/loraplus-*): groups, losses, the adapter after the last.</summary>
[Trait("Category", "Golden")]
public sealed class LoraPlusTrainingGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("models/training/loraplus", "models/training", "loraplus-*.json", name =>
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "training", name + ".json")));
        var adapter = json.RootElement.GetProperty("adapter").GetString()!;
        return Directory.Exists(Golden.At("models", "lora", adapter)) ? LoraGoldenTests.Skip(adapter) : $"{name}: its adapter {adapter} is absent";
    });

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "training", name + ".json")));
        var root = json.RootElement;
        double Number(string key) => root.GetProperty(key).GetDouble();
        var want = new GoldenTensors(Golden.At("models", "training", name + ".safetensors"));
        var folder = Golden.At("models", "lora", root.GetProperty("adapter").GetString()!);
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));

        using var scope = NewDisposeScope();
        using var model = LoraGoldenTests.Model(reference.RootElement.GetProperty("base").GetString()!);
        using var adapter = AdapterInjector.Attach(model.Slots, LoraConfig.Load(folder), model.Spec.ModelType);
        LoraGoldenTests.SetFrom(adapter, new GoldenTensors(Path.Combine(folder, "adapter_model.safetensors")));
        using var flat = new FlatParameters(adapter.Parameters);
        Assert.Equal("AdamW", root.GetProperty("optimizer").GetString());
        var (rate, decay) = (Number("lr"), Number("loraplus_weight_decay"));
        var groups = new LoraPlus(Number("loraplus_lr_ratio"), Number("loraplus_lr_embedding")).Groups(flat.Parameters, rate, decay);
        Assert.Equal(root.GetProperty("groups").GetArrayLength(), groups.Count);
        foreach (var (wanted, got) in root.GetProperty("groups").EnumerateArray().Zip(groups))
        {
            Assert.Equal(wanted.GetProperty("name").GetString(), got.Name);
            Assert.Equal(wanted.GetProperty("lr").GetDouble(), rate * got.LearningRateFactor, 1e-12);
            Assert.Equal(wanted.GetProperty("weight_decay").GetDouble(), got.WeightDecay);
            Assert.Equal(wanted.GetProperty("parameters").GetArrayLength(), got.Parameters.Count);
        }

        using var adam = new AdamW(flat, new AdamWSettings(WeightDecay: decay), groups);
        var losses = root.GetProperty("losses").EnumerateArray().Select(n => n.GetDouble()).ToArray();
        var tolerance = root.GetProperty("tolerance");
        var shape = want.Shape("train.input_ids");
        var size = (int)(shape[1] * shape[2]);
        var (ids, labels) = (want.Longs("train.input_ids"), want.Longs("train.labels"));
        for (var step = 0; step < losses.Length; step++)
        {
            var batch = LoraGoldenTests.BatchOf(ids[(step * size)..((step + 1) * size)], labels[(step * size)..((step + 1) * size)], (int)shape[1]);
            Assert.Equal(losses[step], CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens, tolerance.GetProperty("losses").GetDouble());
            adam.Step(rate);
            flat.ZeroGradients();
        }
        var last = want.Names.Where(n => n.StartsWith("after_", StringComparison.Ordinal)).ToHashSet();
        foreach (var (key, value) in LoraGoldenTests.Swapped(flat, adapter, flat.Values))
        {
            if (!last.Remove($"after_{losses.Length}.{key}")) continue;
            Near.All(want.Floats($"after_{losses.Length}.{key}"), value, tolerance.GetProperty($"after_{losses.Length}").GetDouble(), key);
        }
        Assert.Empty(last);
    }
}
