using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>PEFT's 20 steps of LoRA and of QLoRA on the real SmolLM2-135M-Instruct: the same start and batches give the same losses, gradient norms and adapter.</summary>
[Trait("Category", "RealModel")]
public sealed class SmolLM2TrainTests(ITestOutputHelper output)
{
    [Theory, InlineData("lora"), InlineData("qlora")]
    public void Twenty_steps_equal_those_of_peft(string method)
    {
        var path = RealModels.Require(RealModels.SmolLM2);
        var folder = Golden.At("smollm2", "train");
        Assert.SkipUnless(File.Exists(Path.Combine(folder, "reference.json")), $"absent: {folder} has no reference.json");
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        var run = json.RootElement.GetProperty(method);
        var (losses, norms) = (Numbers(run, "losses"), Numbers(run, "grad_norms"));
        var batches = new GoldenTensors(Path.Combine(folder, "batches.safetensors"));

        using var scope = NewDisposeScope();
        using var checkpoint = GgufCheckpoint.Open(path);
        var config = new ModelConfig(checkpoint.Config, path);
        using var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(checkpoint, path, quantization: method == "qlora" ? new FourBitOptions() : null), ScalarType.Float32);
        if (method == "qlora") output.WriteLine($"{TakeScalesOfBitsAndBytes(model, checkpoint)} codes of scales are not the nearest in bitsandbytes");
        using var initial = AdapterFolder.Open(Path.Combine(folder, "initial"));
        using var adapter = AdapterInjector.Attach(model.Slots, initial.Config, config.ModelType);
        adapter.Load(initial);
        using var flat = new FlatParameters(adapter.Parameters);
        using var adam = new AdamW(flat, new AdamWSettings(WeightDecay: 0.01));
        var shape = batches.Shape("input_ids");
        var size = (int)(shape[1] * shape[2]);
        var (ids, labels) = (batches.Longs("input_ids"), batches.Longs("labels"));
        for (var step = 0; step < losses.Length; step++)
        {
            var batch = LoraGoldenTests.BatchOf(ids[(step * size)..((step + 1) * size)], labels[(step * size)..((step + 1) * size)], (int)shape[1]);
            var loss = CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens;
            var norm = flat.ClipGradientNorm(json.RootElement.GetProperty("max_grad_norm").GetDouble());
            output.WriteLine($"step {step}: loss {loss:f7} (PEFT {losses[step]:f7}), gradient norm {norm:f6} (PEFT {norms[step]:f6})");
            // The fixture's README asks for 1e-5 and 2e-5 relative.
            Assert.Equal(losses[step], loss, 1e-5);
            Assert.Equal(norms[step], norm, 2e-5 * norms[step]);
            adam.Step(1e-3);
            flat.ZeroGradients();
        }
        var final = new GoldenTensors(Path.Combine(folder, $"final-{method}", "adapter_model.safetensors"));
        long elements = 0, far = 0;
        foreach (var value in adapter.Values())
        {
            var (want, got) = (final.Floats(AdapterKeys.ToKey(value.Key)), LoraGoldenTests.Floats(value.Value));
            Near.All(want, got, 2e-3, value.Key);
            elements += want.Length;
            for (var i = 0; i < want.Length; i++) if (Math.Abs(want[i] - got[i]) > 5e-5) far++;
        }
        output.WriteLine($"{far} of {elements} elements of the final adapter differ by more than 5e-5");
        Assert.True(far <= elements / 1000, $"{far} of {elements} elements differ by more than 5e-5; 0.1 % may");
    }

    private static unsafe int TakeScalesOfBitsAndBytes(CausalLM model, GgufCheckpoint checkpoint)
    {
        var changed = 0;
        foreach (var slot in model.Slots.OfType<LinearSlot>())
        {
            if (slot.FrozenBase().Weight is not FourBitWeight weight) continue;
            Assert.True(checkpoint.TryGet($"{slot.Name}.weight", out var info));
            changed += BitsAndBytesScales.Recode(weight, checkpoint.Pointer(info), info.Type);
            checkpoint.DropPages(info);
        }
        return changed;
    }

    private static double[] Numbers(JsonElement of, string key) => [.. of.GetProperty(key).EnumerateArray().Select(n => n.GetDouble())];
}
