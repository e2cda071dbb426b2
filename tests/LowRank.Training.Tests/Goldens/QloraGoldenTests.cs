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
using LowRank.Testing.Cuda;
using LowRank.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>LoRA over a 4-bit base, as PEFT 0.21 over bitsandbytes computes and trains it: logits, gradients, ten AdamW steps, merging into plain and into 4-bit weights.</summary>
[Trait("Category", "Golden")]
public sealed class QloraGoldenTests
{
    private const string Prefix = "base_model.model.";

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/qlora", Reference() is { } json ? [.. json.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!)] : []);

    private static JsonElement? Reference()
    {
        var path = Golden.At("numerics", "qlora", "cases.json");
        return File.Exists(path) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement : null;
    }

    public static IEnumerable<TheoryDataRow<string, string>> OnOtherDevices => Devices.Others(Cases);

    // The same cases by the CUDA kernels, run on the processor, and on each GPU.
    [Theory, MemberData(nameof(OnOtherDevices))]
    public void Equals_peft_on_other_devices(string device, string id)
    {
        using var used = Devices.Use(device);
        Equals_peft(id);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var reference = Reference()!.Value;
        var test = reference.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var want = new GoldenTensors(Golden.At("numerics", "qlora", "cases.safetensors"));
        using var scope = NewDisposeScope();
        using var adapter = AdapterFolder.Open(Golden.At("numerics", "qlora", test.GetProperty("adapter").GetString()!));
        // The base that the adapter names, beside this folder.
        using var model = Model(Golden.At(["numerics", .. adapter.Config.BaseModel!.Split('/')]));
        using var attached = AdapterInjector.Attach(model.Slots, adapter.Config, model.Spec.ModelType);
        attached.Load(adapter);
        switch (id)
        {
            case "forward":
                Close(want.Floats(Text(test, "want")), Logits(model, want), test, "tolerance", "logits");
                break;
            case "gradients":
                Gradients(model, attached, test, want);
                break;
            case "train":
                Train(model, attached, reference, test, want);
                break;
            case "merge_fp32":
                Close(want.Floats(Text(test, "want")), Logits(Merged(model, attached, test, want, quantize: false), want), test, "tolerance", "logits");
                break;
            case "merge_4bit":
                Close(want.Floats(Text(test, "want_nearest")), Logits(Merged(model, attached, test, want, quantize: true), want), test, "tolerance", "logits");
                break;
            default:
                Assert.Fail($"The case {id} is not known.");
                break;
        }
    }

    private static void Gradients(CausalLM model, AttachedAdapter attached, JsonElement test, GoldenTensors want)
    {
        using var flat = new FlatParameters(attached.Parameters);
        var batch = Batch(want, test.GetProperty("batch").GetInt32());
        var loss = CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens;
        Assert.Equal(test.GetProperty("loss").GetDouble(), loss, 2e-5);
        var names = want.Names.Where(n => n.StartsWith(Text(test, "want_prefix"), StringComparison.Ordinal)).ToHashSet();
        Assert.NotEmpty(names);
        foreach (var (key, gradient) in LoraGoldenTests.Swapped(flat, attached, flat.Gradients))
        {
            Close(want.Floats(Text(test, "want_prefix") + key), gradient, test, "tolerance", key);
            names.Remove(Text(test, "want_prefix") + key);
        }
        Assert.Empty(names);
    }

    private static void Train(CausalLM model, AttachedAdapter attached, JsonElement reference, JsonElement test, GoldenTensors want)
    {
        using var flat = new FlatParameters(attached.Parameters);
        var optimizer = reference.GetProperty("optimizer");
        var betas = optimizer.GetProperty("betas");
        using var adam = new AdamW(flat, new AdamWSettings(betas[0].GetDouble(), betas[1].GetDouble(), optimizer.GetProperty("eps").GetDouble(), optimizer.GetProperty("weight_decay").GetDouble()));
        var losses = test.GetProperty("losses");
        var allowed = test.GetProperty("loss_tolerance");
        for (var step = 0; step < losses.GetArrayLength(); step++)
        {
            var batch = Batch(want, step);
            var loss = CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens;
            var wanted = losses[step].GetDouble();
            Assert.Equal(wanted, loss, allowed.GetProperty("atol").GetDouble() + allowed.GetProperty("rtol").GetDouble() * wanted);
            adam.Step(optimizer.GetProperty("lr").GetDouble());
            flat.ZeroGradients();
        }
        var trained = new GoldenTensors(Golden.At("numerics", "qlora", Text(test, "want_adapter"), "adapter_model.safetensors"));
        foreach (var value in attached.Values()) Close(trained.Floats(Prefix + value.Key), LoraGoldenTests.Floats(value.Value), test, "parameter_tolerance", value.Key);
        Close(want.Floats(Text(test, "want")), Logits(model, want), test, "tolerance", "logits after training");
    }

    // The model with the update added to its weights, plain or quantized again as they were.
    private static CausalLM Merged(CausalLM model, AttachedAdapter attached, JsonElement test, GoldenTensors want, bool quantize)
    {
        var merged = attached.MergedTensors().ToDictionary(t => t.Name, t => t.Value);
        var prefix = Text(test, "want_prefix");
        attached.Dispose();
        int elements = 0, off = 0, scalesOff = 0, compared = 0;
        foreach (var slot in model.Slots.OfType<LinearSlot>())
        {
            if (!merged.Remove($"{slot.Name}.weight", out var value)) continue;
            FrozenWeight weight;
            if (!quantize)
            {
                // The file has the weights of some blocks; the logits speak for the others.
                if (want.Has($"{prefix}{slot.Name}.weight"))
                {
                    Close(want.Floats($"{prefix}{slot.Name}.weight"), LoraGoldenTests.Floats(value), test, "weight_tolerance", slot.Name);
                    compared++;
                }
                weight = new DenseWeight(value);
            }
            else
            {
                var four = Quantized(value, OptionsOf(slot.FrozenBase().Weight), slot.Name);
                weight = model.Device.type == DeviceType.CPU ? four : DeviceFourBitWeight.Of(four, model.Device);
                var (packed, absmax) = (want.Longs($"{prefix}{slot.Name}.packed"), want.Floats($"{prefix}{slot.Name}.absmax"));
                for (var i = 0; i < absmax.Length; i++)
                    if (Math.Abs(absmax[i] - four.Parts.View().Scale(i)) > 1e-6 + 1e-5 * absmax[i]) scalesOff++;
                unsafe
                {
                    for (var i = 0; i < packed.Length; i++)
                    {
                        elements += 2;
                        var (got, wanted) = (four.Parts.Packed.Pointer[i], (int)packed[i]);
                        Assert.True(Math.Abs((got >> 4) - (wanted >> 4)) <= 1 && Math.Abs((got & 15) - (wanted & 15)) <= 1, $"{slot.Name}: byte {i} is {got:x2}, want {wanted:x2}");
                        off += ((got >> 4) != (wanted >> 4) ? 1 : 0) + ((got & 15) != (wanted & 15) ? 1 : 0);
                    }
                }
            }
            slot.Module.Dispose();
            slot.Module = new FrozenLinear(weight);
        }
        Assert.Empty(merged);
        Assert.True(quantize || compared > 0);
        if (quantize)
        {
            Assert.True(off <= test.GetProperty("max_codes_off_one_step").GetDouble() * elements, $"{off} of {elements} codes are off by one");
            // bitsandbytes' CPU quantizer misses the nearest code of so many scales.
            Assert.True(scalesOff <= test.GetProperty("nested_codes_off_nearest").GetInt32(), $"{scalesOff} scales differ");
        }
        return model;
    }

    private static unsafe FourBitWeight Quantized(Tensor value, FourBitOptions options, string name)
    {
        using var near = value.cpu();
        using var dense = near.contiguous();
        return FourBitWeight.Quantize((byte*)Runtime.Interop.TensorMemory.DataPointer(dense), TensorType.F32, dense.shape[0], dense.shape[1], options, name);
    }

    private static FourBitOptions OptionsOf(FrozenWeight weight) => weight is FourBitWeight here ? here.Options : ((DeviceFourBitWeight)weight).Options;

    internal static CausalLM Model(string folder)
    {
        using var tensors = SafetensorsFolder.Open(folder);
        var config = ModelConfig.Load(Path.Combine(folder, "config.json"));
        var model = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(tensors, folder, device: Devices.Current), ScalarType.Float32);
        // On a GPU the loader makes weights of the device; for its kernels on the processor they are made here.
        if (Devices.HasStandIn)
            foreach (var slot in model.Slots.OfType<LinearSlot>().Where(s => s.FrozenBase().Weight is FourBitWeight))
                using (var replaced = slot.Module)
                    slot.Module = new FrozenLinear(DeviceFourBitWeight.Of((FourBitWeight)slot.FrozenBase().Weight, CPU), slot.FrozenBase().Bias?.clone());
        return model;
    }

    private static float[] Logits(CausalLM model, GoldenTensors want)
    {
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded(want.Longs("input_ids"), want.Shape("input_ids")[0], model.Device);
        using var logits = model.Logits(model.Hidden(input));
        return LoraGoldenTests.Floats(logits);
    }

    private static LowRank.Training.Packing.Batch Batch(GoldenTensors want, int step)
    {
        var shape = want.Shape("batches");
        var size = (int)(shape[1] * shape[2]);
        return LoraGoldenTests.BatchOf(want.Longs("batches")[(step * size)..((step + 1) * size)], want.Longs("labels")[(step * size)..((step + 1) * size)], (int)shape[1]);
    }

    private static string Text(JsonElement test, string key) => test.GetProperty(key).GetString()!;

    internal static void Close(float[] want, float[] got, JsonElement test, string tolerance, string what)
    {
        var (atol, rtol) = (test.GetProperty(tolerance).GetProperty("atol").GetDouble(), test.GetProperty(tolerance).GetProperty("rtol").GetDouble());
        Assert.Equal(want.Length, got.Length);
        for (var i = 0; i < want.Length; i++)
            Assert.True(Math.Abs(got[i] - want[i]) <= atol + rtol * Math.Abs(want[i]), $"{what}: element {i} is {got[i]:g9}, want {want[i]:g9}");
    }
}
