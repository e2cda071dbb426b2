using System.Text.Json;
using LowRank.Adapters;
using LowRank.Adapters.Dora;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>DoRA on one layer, plain and in 4 bits, as PEFT 0.21 computes it: the initial lengths, output, all gradients and the merged weight.</summary>
[Trait("Category", "Golden")]
public sealed class DoraGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/dora", Reference() is { } json ? [.. json.EnumerateArray().Select(c => c.GetProperty("id").GetString()!)] : []);

    private static JsonElement? Reference()
    {
        var path = Golden.At("numerics", "adapters", "dora", "cases.json");
        return File.Exists(path) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases") : null;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var test = Reference()!.Value.EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var want = new GoldenTensors(Golden.At("numerics", "adapters", "dora", "cases.safetensors"));
        using var scope = NewDisposeScope();
        Tensor Read(string name) => tensor(want.Floats($"{id}.{name}")).view(want.Shape($"{id}.{name}"));
        using var frozen = new FrozenLinear(Weight(test, Read("weight"), want), want.Has($"{id}.bias") ? Read("bias") : null);
        Assert.Equal(want.Floats($"{id}.weight"), LoraGoldenTests.Floats(frozen.Weight.Dequantize(0, frozen.OutFeatures)));
        var scaling = test.GetProperty("scaling").GetDouble();
        TrainableParameter a = new("a", Read("A").clone()), b = new("b", Read("B").clone()), magnitude = new("m", Read("magnitude").clone());
        using var adapter = new DoraAdapter(a, b, magnitude, new RowNorms(frozen.Weight), scaling, new Dropout(), 0, 0);

        using (var norms = new RowNorms(frozen.Weight))
        {
            QloraGoldenTests.Close(want.Floats($"{id}.weight_norm"), LoraGoldenTests.Floats(norms.Of(a.Value, b.Value, scaling)), test, "tolerance", "norm");
            QloraGoldenTests.Close(want.Floats($"{id}.magnitude_at_init"), LoraGoldenTests.Floats(norms.Of(a.Value, b.Value, scaling)), test, "tolerance", "magnitude at the start");
        }
        var x = Read("x").requires_grad_(true);
        var y = adapter.Forward(x, frozen);
        QloraGoldenTests.Close(want.Floats($"{id}.y"), LoraGoldenTests.Floats(y), test, "tolerance", "y");
        y.backward([Read("y_grad")]);
        foreach (var (name, gradient) in new[] { ("A_grad", a.Value.grad), ("B_grad", b.Value.grad), ("magnitude_grad", magnitude.Value.grad), ("x_grad", x.grad) })
            QloraGoldenTests.Close(want.Floats($"{id}.{name}"), LoraGoldenTests.Floats(gradient!), test, "gradient_tolerance", name);
        var merged = frozen.Weight.Dequantize(0, frozen.OutFeatures);
        adapter.Merge(merged, 0);
        QloraGoldenTests.Close(want.Floats($"{id}.merged"), LoraGoldenTests.Floats(merged), test, "tolerance", "merged");
    }

    [Fact]
    public void The_norm_is_computed_anew_after_a_change_of_parameters()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using var frozen = new FrozenLinear(new DenseWeight(randn([6, 8], generator: generator)));
        TrainableParameter a = new("a", randn([2, 8], generator: generator)), b = new("b", randn([6, 2], generator: generator)), magnitude = new("m", ones(6));
        using var adapter = new DoraAdapter(a, b, magnitude, new RowNorms(frozen.Weight), 1, new Dropout(), 0, 0);
        using var noGrad = no_grad();
        var x = randn([3, 8], generator: generator);
        foreach (var factor in new[] { 1f, 5f, 0f })
        {
            b.Set(b.Value * factor);
            var whole = frozen.Weight.Dequantize(0, 6) + b.Value.mm(a.Value);
            var expected = x.mm((whole / whole.norm(1, keepdim: true)).t());
            // Two ways to sum squares of eight numbers near one: a few units in the last place.
            Near.All(LoraGoldenTests.Floats(expected), LoraGoldenTests.Floats(adapter.Forward(x, frozen)), 5e-6, $"B times {factor}");
        }
    }

    private static unsafe FrozenWeight Weight(JsonElement test, Tensor weight, GoldenTensors want)
    {
        if (!test.GetProperty("four_bit").GetBoolean()) return new DenseWeight(weight.clone());
        var id = test.GetProperty("id").GetString();
        Assert.Equal(weight.NumberOfElements / 64, want.Shape($"{id}.absmax")[0]);
        // What the codes stand for is quantized to the same codes.
        using var dense = weight.contiguous();
        return FourBitWeight.Quantize((byte*)Runtime.Interop.TensorMemory.DataPointer(dense), TensorType.F32, dense.shape[0], dense.shape[1], new FourBitOptions { DoubleQuantization = false }, "weight");
    }
}
