using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Runtime.Memory;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Quantization;

/// <summary>The 4-bit weight of a device against that of the CPU: by tensor operations, by the kernel run on the processor, and on each GPU.</summary>
[Collection(nameof(NativeTensors))]
public sealed unsafe class DeviceFourBitTests
{
    public static IEnumerable<TheoryDataRow<string>> Runners => [.. Devices.Present, .. Devices.WithKernels.Where(r => r.Data == Devices.Kernels)];

    public static IEnumerable<TheoryDataRow<string, FourBitType, int, bool>> Forms =>
        from runner in Runners
        from type in new[] { FourBitType.Nf4, FourBitType.Fp4 }
        from size in new[] { 32, 64, 128, 4096 }
        from twice in new[] { false, true }
        select new TheoryDataRow<string, FourBitType, int, bool>(runner.Data, type, size, twice);

    [Theory, MemberData(nameof(Forms))]
    public void Values_are_equal(string device, FourBitType type, int blockSize, bool twice)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        // More than 256 blocks of 32, odd rows, a short last block, an odd number of elements.
        using var here = FourBitSamples.Weight(87, 131, new() { Type = type, BlockSize = blockSize, DoubleQuantization = twice });
        using var there = DeviceFourBitWeight.Of(here, Devices.Current);
        Assert.Equal(here.StoredBytes, there.StoredBytes);
        Assert.Equal(Devices.Current.type, there.Device.type);
        foreach (var (start, count) in new[] { (0, 87), (1, 1), (3, 50), (86, 1), (5, 0) })
            Assert.Equal(Floats(here.Dequantize(start, count)), Floats(there.Dequantize(start, count)));
        foreach (var (narrow, stored) in new[] { (ScalarType.BFloat16, TensorType.BF16), (ScalarType.Float16, TensorType.F16) })
        {
            // The product with the unit matrix shows the decoded elements in the compute dtype.
            var one = eye(131, device: Devices.Current).to(narrow);
            if (narrow == ScalarType.Float16 && Devices.Current.type == DeviceType.CPU) continue;
            Assert.Equal(FourBitSamples.Values(here, stored), Floats(there.Linear(one).t()));
        }
        var ids = tensor([5L, 86, 5, 0, 1, 2], [2, 3], device: Devices.Current);
        Assert.Equal(Floats(here.Rows(ids.cpu(), ScalarType.Float32)), Floats(there.Rows(ids, ScalarType.Float32)));
        Assert.Throws<ArgumentOutOfRangeException>(() => there.Rows(tensor([87L]), ScalarType.Float32));
    }

    [Theory, MemberData(nameof(Runners))]
    public void A_stored_weight_is_rounded_as_on_the_processor(string device)
    {
        using var used = Devices.Use(device);
        foreach (var rounding in new[] { TensorType.BF16, TensorType.F16 })
        {
            using var scope = NewDisposeScope();
            using var made = FourBitSamples.Weight(9, 77, new());
            var parts = new FourBitParts(9, 77, rounding, made.Options)
            {
                Rounding = rounding,
                Packed = Copy(made.Parts.Packed),
                Absmax = Copy(made.Parts.Absmax),
                NestedAbsmax = Copy(made.Parts.NestedAbsmax!),
                NestedOffset = made.Parts.NestedOffset,
            };
            using var here = FourBitWeight.FromParts(parts);
            using var there = DeviceFourBitWeight.Of(here, Devices.Current);
            Assert.NotEqual(Floats(made.Dequantize(0, 9)), Floats(here.Dequantize(0, 9)));
            Assert.Equal(Floats(here.Dequantize(0, 9)), Floats(there.Dequantize(0, 9)));
        }
    }

    [Theory, MemberData(nameof(Runners))]
    public void Products_are_those_with_the_decoded_matrix(string device)
    {
        using var used = Devices.Use(device);
        // The last has more rows than a panel.
        foreach (var (rows, outFeatures, inFeatures) in new[] { (1, 7, 33), (5, 64, 96), (3, 20_000, 1024) })
        {
            if (device == Devices.Kernels && outFeatures > 1000) continue;
            using var scope = NewDisposeScope();
            using var here = FourBitSamples.Weight(outFeatures, inFeatures, new());
            using var there = DeviceFourBitWeight.Of(here, Devices.Current);
            using var generator = new Generator(5, CPU);
            var (x, dy) = (randn([rows, inFeatures], generator: generator), randn([rows, outFeatures], generator: generator));
            // Sums of n products near 0.06 in another order, as between two products of the CPU.
            Near.All(Floats(here.Linear(x)), Floats(there.Linear(x.to(Devices.Current))), 1e-6 * Math.Sqrt(inFeatures) + 1e-8 * inFeatures, "y");
            var dx = there.LinearBackward(dy.to(Devices.Current));
            var tolerance = 1e-6 * Math.Sqrt(outFeatures) + 1e-8 * outFeatures;
            Near.All(Floats(here.LinearBackward(dy)), Floats(dx), tolerance, "dx");
            var twice = dx.clone();
            there.AddLinearBackward(dy.to(Devices.Current), twice);
            Near.All(Floats(dx * 2), Floats(twice), 2 * tolerance, "dx + dx");
        }
    }

    [Theory, MemberData(nameof(Runners))]
    public void The_fingerprint_does_not_depend_on_the_device(string device)
    {
        using var used = Devices.Use(device);
        foreach (var twice in new[] { false, true })
        {
            using var here = FourBitSamples.Weight(33, 65, new() { DoubleQuantization = twice });
            using var there = DeviceFourBitWeight.Of(here, Devices.Current);
            Assert.Equal(Fingerprint(here), Fingerprint(there));
        }
    }

    private static BaseFingerprint Fingerprint(FrozenWeight weight)
    {
        var builder = new BaseFingerprintBuilder();
        weight.AddTo(builder, "w");
        return builder.Finish();
    }

    private static NativeBuffer Copy(NativeBuffer buffer) => NativeBuffer.CopyOf(buffer.Pointer, buffer.Length);

    private static float[] Floats(Tensor t) => t.numel() == 0 ? [] : t.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
