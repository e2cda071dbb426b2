using System.Runtime.InteropServices;
using System.Text.Json;
using CsCheck;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Formats;

public sealed unsafe class GgufQuantizerTests
{
    private static readonly TensorType[] rounded = [TensorType.F16, TensorType.BF16, TensorType.Q8_0, TensorType.Q4_0, TensorType.Q5_0, TensorType.Q5_1];

    private static readonly TensorType[] searched = [TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K];

    public static TheoryData<TensorType> BlockTypes => [.. rounded.Where(t => !t.IsPlain()), .. searched];

    // Those of the folder whose blocks have an input; the others are blocks of random bits.
    public static IEnumerable<TheoryDataRow<string>> Rounded => Golden.Cases("gguf/quantize", Formats(searched: false), Skip);

    public static IEnumerable<TheoryDataRow<string>> Searched => Golden.Cases("gguf/quantize-error", Formats(searched: true), Skip);

    private static IEnumerable<string> Formats(bool searched)
    {
        if (!File.Exists(Golden.At("gguf", "quant", "index.json"))) return [];
        using var index = JsonDocument.Parse(File.ReadAllBytes(Golden.At("gguf", "quant", "index.json")));
        return [.. index.RootElement.GetProperty("formats").EnumerateArray().Where(f => f.GetProperty("quantized_by").GetString() != "gguf-py" == searched).Select(f => f.GetProperty("type").GetString()!)];
    }

    private static string? Skip(string name) => Enum.TryParse<TensorType>(name, out var type) && (rounded.Contains(type) || searched.Contains(type)) ? null : $"{name} is not written";

    // Reference: gguf-py 0.19 quantize. Exact, but for the sign of a zero: where gguf-py and llama.cpp's C code take different ones, which the folder lists, either is right.
    [Theory, MemberData(nameof(Rounded)), Trait("Category", "Golden")]
    public void Blocks_equal_those_of_gguf_py(string name)
    {
        var want = File.ReadAllBytes(Golden.At("gguf", "quant", name + ".bin"));
        var got = Quantize(Enum.Parse<TensorType>(name), Floats("input.f32"));
        using var index = JsonDocument.Parse(File.ReadAllBytes(Golden.At("gguf", "quant", "index.json")));
        if (index.RootElement.GetProperty("formats").EnumerateArray().Single(f => f.GetProperty("type").GetString() == name).TryGetProperty("ggml_differs_at", out var differs))
            foreach (var (at, value) in differs.EnumerateObject().Select(p => (int.Parse(p.Name, System.Globalization.CultureInfo.InvariantCulture), p.Value.GetByte())))
                if (got[at] == value) want[at] = value;
        Assert.Equal(want, got);
    }

    // Reference: llama.cpp's C code without importance matrix, which weights the error by the size of the value. We look for the least plain error, so ours must not be larger in all,
    // whatever it found; a single row of one block may come out worse, as both stop at a local minimum: a twentieth is room for that.
    [Theory, MemberData(nameof(Searched)), Trait("Category", "Golden")]
    public void Error_is_no_larger_than_that_of_llama_cpp(string name)
    {
        var type = Enum.Parse<TensorType>(name);
        var (input, theirs) = (Floats("input.f32"), Floats(name + ".f32"));
        var ours = Dequantize(type, Quantize(type, input));
        const int columns = 256;
        double all = 0, allTheirs = 0;
        for (var row = 0; row < input.Length / columns; row++)
        {
            double error = 0, errorTheirs = 0;
            for (var i = row * columns; i < (row + 1) * columns; i++)
            {
                error += Math.Pow((double)ours[i] - input[i], 2);
                errorTheirs += Math.Pow((double)theirs[i] - input[i], 2);
            }
            Assert.True(error <= 1.05 * errorTheirs, $"row {row}: squared error {error:g5}, llama.cpp's is {errorTheirs:g5}");
            if (row < 10) continue; // the first rows are special cases, some with values so large that they would be all of the sum
            all += error;
            allTheirs += errorTheirs;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: root mean square error {Math.Sqrt(all / allTheirs):f4} of llama.cpp's");
        Assert.True(all <= allTheirs, $"squared error {all:g5}, llama.cpp's is {allTheirs:g5}");
    }

    // A value lies at most half a step from a level, or beyond the outermost one where the search cut it off for the sake of the others.
    [Theory, MemberData(nameof(BlockTypes))]
    public void Values_come_back_within_the_steps_of_their_block(TensorType type)
    {
        var levels = type switch { TensorType.Q8_0 => 254, TensorType.Q6_K => 63, TensorType.Q5_0 or TensorType.Q5_1 or TensorType.Q5_K => 31, _ => 15 };
        (from scale in Gen.Float[1e-3f, 1e3f]
         from x in Gen.Float[-1, 1].Array[256]
         select x.Select(v => v * scale).ToArray()).Sample(x =>
        {
            var back = Dequantize(type, Quantize(type, x));
            var (largest, sum) = (x.Max(Math.Abs), 0.0);
            for (var i = 0; i < x.Length; i++) sum += Math.Pow((double)back[i] - x[i], 2);
            // Uniform values on a grid of this many steps over twice the largest: a mean square of step² / 12. Symmetric grids of an even number lack a level, and scales are rounded: half as much again.
            var step = 2.0 * largest / levels;
            Assert.True(Math.Sqrt(sum / x.Length) <= 1.5 * step / Math.Sqrt(12), $"{Math.Sqrt(sum / x.Length):g4} for a step of {step:g4}");
        }, iter: 300);
    }

    [Theory, MemberData(nameof(BlockTypes))]
    public void Zeros_and_equal_values_are_kept(TensorType type)
    {
        Assert.All(Dequantize(type, Quantize(type, new float[256])), v => Assert.Equal(0, v));
        foreach (var value in new[] { 2f, -2f })
            Assert.All(Dequantize(type, Quantize(type, Enumerable.Repeat(value, 256).ToArray())), v => Assert.InRange(v / value, 0.99, 1.01));
    }

    [Theory, MemberData(nameof(BlockTypes))]
    public void Many_threads_give_the_blocks_of_one(TensorType type)
    {
        var random = new Random(3);
        var x = Enumerable.Range(0, 100 * 1024).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        var one = new byte[x.Length / type.BlockSize() * type.BlockBytes()];
        for (var i = 0; i < x.Length; i += 1024) Quantize(type, x[i..(i + 1024)]).CopyTo(one, i / type.BlockSize() * type.BlockBytes());
        Assert.Equal(one, Quantize(type, x));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(70000f)]
    public void What_half_precision_cannot_hold_is_found(float value)
    {
        var x = new float[100_000];
        (x[31_007], x[90_001]) = (value, value);
        fixed (float* at = x)
        {
            Assert.Equal(31_007, GgufQuantizer.FirstUnfit(TensorType.Q8_0, at, x.Length));
            Assert.Equal(-1, GgufQuantizer.FirstUnfit(TensorType.Q8_0, at, 31_007));
            Assert.Equal(-1, GgufQuantizer.FirstUnfit(TensorType.BF16, at, x.Length));
        }
    }

    private static float[] Floats(string file) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Golden.At("gguf", "quant", file))).ToArray();

    private static byte[] Quantize(TensorType type, float[] x)
    {
        var blocks = new byte[x.Length / type.BlockSize() * type.BlockBytes()];
        fixed (float* from = x)
        fixed (byte* to = blocks)
            GgufQuantizer.Quantize(type, from, x.Length, to);
        return blocks;
    }

    private static float[] Dequantize(TensorType type, byte[] blocks)
    {
        var values = new float[blocks.Length / type.BlockBytes() * type.BlockSize()];
        GgufDequantizer.Dequantize(type, blocks, values);
        return values;
    }
}
