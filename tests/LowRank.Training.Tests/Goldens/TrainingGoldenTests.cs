using System.Text.Json;
using LowRank.Adapters;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using LowRank.Training.Objectives;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>Gradient accumulation and clipping as torch computes them (fixtures/models/training).</summary>
[Trait("Category", "Golden")]
public sealed class TrainingGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Accumulation => Golden.Cases("models/training/accumulation", "models/training", "grad_accumulation.json", _ => SkipAdapter("grad_accumulation"));

    public static IEnumerable<TheoryDataRow<string>> Clipping => Golden.Cases("models/training/clipping", "models/training", "clip_grad_norm.json", _ => SkipAdapter("clip_grad_norm"));

    private static string? SkipAdapter(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "training", file + ".json")));
        var adapter = json.RootElement.GetProperty("adapter").GetString()!;
        return Directory.Exists(Golden.At("models", "lora", adapter)) ? LoraGoldenTests.Skip(adapter) : $"{file}: its adapter {adapter} is absent";
    }

    public static IEnumerable<TheoryDataRow<string, string>> AccumulationOnOtherDevices => Devices.Others(Accumulation);

    public static IEnumerable<TheoryDataRow<string, string>> ClippingOnOtherDevices => Devices.Others(Clipping);

    // By the CUDA kernels, run on the processor, and on each GPU.
    [Theory, MemberData(nameof(ClippingOnOtherDevices))]
    public void Gradients_are_clipped_as_torch_clips_them_on_other_devices(string device, string name)
    {
        using var used = Devices.Use(device);
        Gradients_are_clipped_as_torch_clips_them(name);
    }

    [Theory, MemberData(nameof(AccumulationOnOtherDevices))]
    public void Micro_batches_give_the_gradient_of_the_whole_batch_on_other_devices(string device, string name)
    {
        using var used = Devices.Use(device);
        Micro_batches_give_the_gradient_of_the_whole_batch(name);
    }

    [Theory, MemberData(nameof(Accumulation))]
    public void Micro_batches_give_the_gradient_of_the_whole_batch(string name)
    {
        var (json, want) = Open(name);
        using var _ = json;
        using var scope = NewDisposeScope();
        using var loaded = new Loaded(json.RootElement);
        var tolerance = json.RootElement.GetProperty("tolerance").GetProperty("grad_relative").GetDouble();
        var (ids, labels, rows) = (want.Longs("input_ids"), want.Longs("labels"), (int)want.Shape("input_ids")[0]);
        var length = ids.Length / rows;
        var whole = LoraGoldenTests.BatchOf(ids, labels, rows);
        var loss = 0.0;
        for (var row = 0; row < rows; row++)
            loss += CausalLoss.Backward(loaded.Model, LoraGoldenTests.BatchOf(ids[(row * length)..((row + 1) * length)], labels[(row * length)..((row + 1) * length)], 1), 1.0 / whole.SupervisedTokens);
        Assert.Equal(json.RootElement.GetProperty("loss").GetDouble(), loss / whole.SupervisedTokens, 1e-5);
        loaded.CompareGradients(want, "full", tolerance);
    }

    [Theory, MemberData(nameof(Clipping))]
    public void Gradients_are_clipped_as_torch_clips_them(string name)
    {
        var (json, want) = Open(name);
        using var _ = json;
        using var scope = NewDisposeScope();
        using var loaded = new Loaded(json.RootElement);
        var tolerance = json.RootElement.GetProperty("tolerance");
        var batch = LoraGoldenTests.BatchOf(want.Longs("input_ids"), want.Longs("labels"), (int)want.Shape("input_ids")[0]);
        var number = 0;
        foreach (var c in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            loaded.Flat.ZeroGradients();
            CausalLoss.Backward(loaded.Model, batch, 1.0 / batch.SupervisedTokens);
            var norm = loaded.Flat.ClipGradientNorm(c.GetProperty("max_norm").GetDouble());
            Assert.Equal(c.GetProperty("norm").GetDouble(), norm, tolerance.GetProperty("norm_relative").GetDouble() * norm);
            loaded.CompareGradients(want, $"clipped.{number++}", tolerance.GetProperty("grad_relative").GetDouble());
        }
    }

    private static (JsonDocument Json, GoldenTensors Tensors) Open(string name) =>
        (JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "training", name + ".json"))), new GoldenTensors(Golden.At("models", "training", name + ".safetensors")));

    private sealed class Loaded : IDisposable
    {
        public Loaded(JsonElement json)
        {
            var folder = Golden.At("models", "lora", json.GetProperty("adapter").GetString()!);
            using var reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
            Model = LoraGoldenTests.Model(reference.RootElement.GetProperty("base").GetString()!);
            Adapter = AdapterInjector.Attach(Model.Slots, LoraConfig.Load(folder), Model.Spec.ModelType);
            LoraGoldenTests.SetFrom(Adapter, new GoldenTensors(Path.Combine(folder, "adapter_model.safetensors")));
            Flat = new FlatParameters(Adapter.Parameters);
        }

        public LowRank.Models.Decoder.CausalLM Model { get; }

        public AttachedAdapter Adapter { get; }

        public FlatParameters Flat { get; }

        public void CompareGradients(GoldenTensors want, string prefix, double tolerance)
        {
            foreach (var (key, gradient) in LoraGoldenTests.Swapped(Flat, Adapter, Flat.Gradients))
            {
                var wanted = want.Floats($"{prefix}.{key}");
                Near.All(wanted, gradient, tolerance * wanted.Max(Math.Abs), $"{prefix}.{key}");
            }
        }

        public void Dispose()
        {
            Flat.Dispose();
            Model.Dispose();
        }
    }
}
