using LowRank.Formats;
using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cpu.Gemm;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Quantization;

/// <summary>Products with a 4-bit weight against products with the matrix that it stands for.</summary>
[Collection(nameof(NativeTensors))]
public sealed class FourBitLinearTests
{
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        // rows, out, in, block size: few rows, one tile, many tiles, blocks over row ends, odd row lengths, one of each.
        { 1, 8, 96, 64 }, { 3, 7, 33, 32 }, { 8, 100, 576, 64 }, { 9, 8, 96, 64 }, { 33, 257, 130, 64 }, { 40, 1, 1, 64 },
        { 200, 192, 576, 64 }, { 130, 577, 191, 4096 }, { 1100, 96, 64, 64 }, { 70, 300, 3000, 128 }, { 16, 5000, 64, 64 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Forward_and_backward_equal_the_dense_products(int rows, int outFeatures, int inFeatures, int blockSize)
    {
        using var scope = NewDisposeScope();
        using var weight = FourBitSamples.Weight(outFeatures, inFeatures, new() { BlockSize = blockSize });
        var dense = weight.Dequantize(0, outFeatures);
        Assert.Equal(FourBitSamples.Values(weight), Floats(dense));
        using var generator = new Generator(7, CPU);
        var (x, dy) = (randn([rows, inFeatures], generator: generator), randn([rows, outFeatures], generator: generator));
        // Sums of n products near 0.06 in another order.
        Near.All(Floats(x.mm(dense.t())), Floats(weight.Linear(x)), 1e-6 * Math.Sqrt(inFeatures) + 1e-8 * inFeatures, "y");
        Near.All(Floats(dy.mm(dense)), Floats(weight.LinearBackward(dy)), 1e-6 * Math.Sqrt(outFeatures) + 1e-8 * outFeatures, "dx");
    }

    [Theory]
    [InlineData(5, 300, 96, true), InlineData(40, 300, 96, true), InlineData(700, 576, 192, true), InlineData(40, 300, 96, false), InlineData(700, 576, 192, false)]
    public void The_bytes_do_not_depend_on_the_number_of_threads(int rows, int outFeatures, int inFeatures, bool ownProduct)
    {
        using var choice = GemmChoice.Use(ownProduct);
        using var scope = NewDisposeScope();
        using var weight = FourBitSamples.Weight(outFeatures, inFeatures, new());
        using var generator = new Generator(8, CPU);
        var (x, dy) = (randn([rows, inFeatures], generator: generator), randn([rows, outFeatures], generator: generator));
        var threads = TorchThreads.Count;
        List<(float[] Y, float[] Dx, byte[] Packed)> results = [];
        try
        {
            foreach (var count in new[] { 1, 2, 3 })
            {
                TorchThreads.Count = count;
                using var again = FourBitSamples.Weight(outFeatures, inFeatures, new());
                results.Add((Floats(weight.Linear(x)), Floats(weight.LinearBackward(dy)), FourBitSamples.Bytes(again.Parts.Packed)));
            }
        }
        finally
        {
            TorchThreads.Count = threads;
        }
        Assert.All(results, r =>
        {
            Assert.Equal(results[0].Y, r.Y);
            Assert.Equal(results[0].Dx, r.Dx);
            Assert.Equal(results[0].Packed, r.Packed);
        });
    }

    [Fact]
    public void Without_the_imports_the_result_is_the_same()
    {
        using var scope = NewDisposeScope();
        using var weight = FourBitSamples.Weight(500, 192, new());
        using var generator = new Generator(9, CPU);
        // More than one step of depth, so that products are added too.
        using var tall = FourBitSamples.Weight(6000, 96, new());
        var (x, dy, dyTall) = (randn([64, 192], generator: generator), randn([64, 500], generator: generator), randn([64, 6000], generator: generator));
        var (y, dx, dxTall) = (weight.Linear(x), weight.LinearBackward(dy), tall.LinearBackward(dyTall));
        foreach (var imports in new[] { true, false })
        {
            using var library = GemmChoice.Use(own: false);
            using var off = imports ? null : NativeInterop.SwitchOff();
            Near.All(Floats(y), Floats(weight.Linear(x)), 2e-5, "y");
            Near.All(Floats(dx), Floats(weight.LinearBackward(dy)), 3e-5, "dx");
            Near.All(Floats(dxTall), Floats(tall.LinearBackward(dyTall)), 1e-4, "dx in steps");
        }
    }

    [Theory, InlineData(ScalarType.BFloat16), InlineData(ScalarType.Float16)]
    public void A_16_bit_input_gives_the_fp32_product_rounded_once(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var weight = FourBitSamples.Weight(100, 96, new());
        using var generator = new Generator(10, CPU);
        foreach (var rows in new[] { 2, 50 })
        {
            var (x, dy) = (randn([rows, 96], generator: generator).to(type), randn([rows, 100], generator: generator).to(type));
            Assert.Equal(Floats(weight.Linear(x.to(ScalarType.Float32)).to(type)), Floats(weight.Linear(x)));
            Assert.Equal(Floats(weight.LinearBackward(dy.to(ScalarType.Float32)).to(type)), Floats(weight.LinearBackward(dy)));
            Assert.Equal(type, weight.Linear(x).dtype);
        }
    }

    [Fact]
    public void Inputs_that_are_not_contiguous_and_empty_ones_are_taken()
    {
        using var scope = NewDisposeScope();
        using var weight = FourBitSamples.Weight(100, 96, new());
        using var generator = new Generator(11, CPU);
        var x = randn([96, 20], generator: generator).t();
        Assert.Equal(Floats(weight.Linear(x.contiguous())), Floats(weight.Linear(x)));
        Assert.Equal([0, 100], weight.Linear(empty(0, 96)).shape);
        Assert.Throws<ArgumentException>(() => weight.Linear(zeros(4, 95)));
    }

    [Fact]
    public void Rows_are_those_of_the_matrix()
    {
        using var scope = NewDisposeScope();
        using var weight = FourBitSamples.Weight(50, 33, new() { BlockSize = 32 });
        var ids = tensor(new long[] { 7, 49, 7, 0 }).view(2, 2);
        var want = weight.Dequantize(0, 50).index_select(0, ids.view(-1)).view(2, 2, 33);
        Assert.Equal([2, 2, 33], weight.Rows(ids, ScalarType.BFloat16).shape);
        Assert.Equal(Floats(want), Floats(weight.Rows(ids, ScalarType.Float32)));
        Assert.Equal(Floats(want.to(ScalarType.BFloat16)), Floats(weight.Rows(ids, ScalarType.BFloat16)));
        Assert.Throws<ArgumentOutOfRangeException>(() => weight.Rows(tensor(new long[] { 50 }), ScalarType.Float32));
    }

    [Theory]
    [InlineData(TensorType.F32, float.NaN, "NaN"), InlineData(TensorType.BF16, float.PositiveInfinity, "Infinity"), InlineData(TensorType.F16, float.NaN, "NaN")]
    public unsafe void A_weight_that_is_not_finite_is_named(TensorType type, float value, string shown)
    {
        var values = FourBitSamples.Normal(9000, 1);
        (values[7001], values[8999]) = (value, value);
        var error = Assert.Throws<LowRankException>(() =>
        {
            fixed (byte* p = FourBitSamples.Narrow(values, type)) FourBitWeight.Quantize(p, type, 90, 100, new(), "model.layers.3.mlp.up_proj.weight").Dispose();
        });
        Assert.StartsWith($"model.layers.3.mlp.up_proj.weight: element 7001 of 9000 is {shown}.", error.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(0), InlineData(16), InlineData(48), InlineData(8192), InlineData(-64)]
    public void Other_block_sizes_are_refused(int size) =>
        Assert.Contains($"{size} of a 4-bit weight is not a power of two from 32 to 4096", Assert.Throws<LowRankException>(() => new FourBitOptions { BlockSize = size }).Message, StringComparison.Ordinal);

    [Fact]
    public void No_tensor_and_no_memory_is_left()
    {
        using var scope = NewDisposeScope();
        var (x, dy) = (ones(40, 96), ones(40, 50));
        var weight = FourBitSamples.Weight(50, 96, new());
        // Bits a parameter: 4 of the code, 8 of a scale in 64, 32 of a nested scale in 64 · 256.
        Assert.Equal((50 * 96 / 2) + (50 * 96 / 64) + 4, weight.StoredBytes);
        NativeTensors.Collect();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 5; i++)
        {
            weight.Linear(x).Dispose();
            weight.LinearBackward(dy).Dispose();
            using (GemmChoice.Use(own: false))
            {
                weight.Linear(x).Dispose();
                using (NativeInterop.SwitchOff()) weight.LinearBackward(dy).Dispose();
            }
        }
        NativeTensors.Collect();
        Assert.Equal(before, Tensor.TotalCount);
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() => weight.Dequantize(0, 1));
    }

    private static float[] Floats(Tensor t) => t.to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
