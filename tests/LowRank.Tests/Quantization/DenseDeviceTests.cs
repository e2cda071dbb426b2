using LowRank.Quantization;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Quantization;

/// <summary>Products with a dense weight on each device, in the dtypes that a checkpoint and a run may have, against fp64.</summary>
[Collection(nameof(NativeTensors))]
public sealed class DenseDeviceTests
{
    public static IEnumerable<TheoryDataRow<string, ScalarType, ScalarType>> Forms =>
        from device in Devices.Present
        from stored in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16 }
        from compute in new[] { ScalarType.Float32, ScalarType.BFloat16 }
        select new TheoryDataRow<string, ScalarType, ScalarType>(device.Data, stored, compute);

    [Theory, MemberData(nameof(Forms))]
    public void Products(string device, ScalarType stored, ScalarType compute)
    {
        using var used = Devices.Use(device);
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        // The second is widened in panels.
        foreach (var (rows, outFeatures, inFeatures) in new[] { (40, 70, 33), (20, 4100, 1030) })
        {
            var values = (randn([outFeatures, inFeatures], generator: generator) * 0.05).to(stored);
            using var weight = new DenseWeight(values.to(Devices.Current).clone());
            var (x, dy) = (randn([rows, inFeatures], generator: generator).to(compute), randn([rows, outFeatures], generator: generator).to(compute));
            var exact = values.to(ScalarType.Float64);
            // A sum of n products near 0.05: √n roundings of its size in fp32; in bf16 operands and result are rounded, in fp16 storage a weight also.
            var (y, dx) = (x.to(ScalarType.Float64).mm(exact.t()), dy.to(ScalarType.Float64).mm(exact));
            var relative = compute == ScalarType.Float32 ? 2e-6 : 2e-2;
            Near.All(Floats(y), Floats(weight.Linear(x.to(Devices.Current))), relative * y.abs().max().item<double>(), "y");
            var got = weight.LinearBackward(dy.to(Devices.Current));
            Near.All(Floats(dx), Floats(got), relative * dx.abs().max().item<double>(), "dx");
            weight.AddLinearBackward(dy.to(Devices.Current), got);
            Near.All(Floats(dx * 2), Floats(got), 3 * relative * dx.abs().max().item<double>(), "dx + dx");
            var ids = tensor([3L, 0, outFeatures - 1], device: Devices.Current);
            Assert.Equal(Floats(values.to(compute).index_select(0, ids.cpu())), Floats(weight.Rows(ids, compute)));
        }
    }

    private static float[] Floats(Tensor t) => t.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
