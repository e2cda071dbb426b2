using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Optimizers;
using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using LowRank.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>
/// Gradients of adapters in 16 bits against those in fp32, on each device. In bf16 activations and their gradients are rounded to 8 bits of mantissa a few dozen times, which turns a gradient by
/// a few degrees; in fp16 the operands and results of products alone, to 11 bits. A wrong kernel turns it far more, and so does a gradient that fp16 has no room for.
/// </summary>
[Trait("Category", "Golden")]
public sealed class SixteenBitGradientTests
{
    public static IEnumerable<TheoryDataRow<string, string, bool, ScalarType>> Cases =>
        from device in (IEnumerable<TheoryDataRow<string>>)[.. Devices.Present, .. Devices.WithKernels.Where(r => r.Data == Devices.Kernels)]
        from model in new[] { "llama", "qwen3", "gemma2" }
        from fourBit in new[] { false, true }
        from type in new[] { ScalarType.BFloat16, ScalarType.Float16 }
        where Directory.Exists(Golden.At("models", model))
        select new TheoryDataRow<string, string, bool, ScalarType>(device.Data, model, fourBit, type);

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_stay_near_those_of_fp32(string device, string name, bool fourBit, ScalarType type)
    {
        // 11 bits turn a gradient by an eighth of the angle, whose cosine is then nearer to 1 by its square.
        var (losses, cosine) = type == ScalarType.Float16 ? (0.0025, 1 - 0.01 / 64) : (0.02, 0.99);
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        var (wantLoss, want) = Gradients(name, ScalarType.Float32, fourBit);
        var (loss, got) = Gradients(name, type, fourBit);
        Assert.Equal(wantLoss, loss, losses * wantLoss);
        double product = 0, left = 0, right = 0;
        for (var i = 0; i < want.Length; i++)
        {
            product += (double)want[i] * got[i];
            left += (double)want[i] * want[i];
            right += (double)got[i] * got[i];
        }
        Assert.True(left > 0, "no gradient");
        Assert.True(product / Math.Sqrt(left * right) > cosine, $"the cosine of the two gradients is {product / Math.Sqrt(left * right):0.000000}");
    }

    private static (double Loss, float[] Gradients) Gradients(string name, ScalarType computeType, bool fourBit)
    {
        using var model = LoraGoldenTests.Model(name, computeType);
        if (fourBit)
            foreach (var slot in model.Slots.OfType<LinearSlot>().Where(s => !s.IsHead))
                using (var replaced = slot.Module)
                    slot.Module = new FrozenLinear(Quantized(slot.FrozenBase().Weight, slot.Name), slot.FrozenBase().Bias?.clone());
        var config = new LoraConfig { Rank = 4, Alpha = 4, TargetModules = ModulePattern.Parse("all-linear"), Initialization = LoraInitialization.Random };
        using var adapter = AdapterInjector.Attach(model.Slots, config, model.Spec.ModelType, seed: 1);
        using var flat = new FlatParameters(adapter.Parameters);
        long[] ids = [.. Enumerable.Range(0, 2 * 13).Select(i => (long)(i * 37 % 89 + 3))];
        var batch = LoraGoldenTests.BatchOf(ids, ids, 2);
        var loss = CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens;
        return (loss, LoraGoldenTests.Floats(flat.Gradients));
    }

    private static unsafe DeviceFourBitWeight Quantized(FrozenWeight weight, string name)
    {
        using var values = weight.Dequantize(0, weight.OutFeatures).cpu();
        using var packed = FourBitWeight.Quantize((byte*)Runtime.Interop.TensorMemory.DataPointer(values), Formats.TensorType.F32, weight.OutFeatures, weight.InFeatures, new(), name);
        return DeviceFourBitWeight.Of(packed, weight.Device);
    }
}
