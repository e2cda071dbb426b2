using System.Numerics.Tensors;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Export;
using LowRank.Testing;
using TorchSharp;

namespace LowRank.LlamaCpp.Tests;

/// <summary>SmolLM2 in every type that is written, run by llama.cpp and by LowRank's own reader.</summary>
public sealed class QuantizedFileTests(ITestOutputHelper output) : IDisposable
{
    private const string Text = "The harbour lay quiet in the early morning. A few gulls walked along the wall and looked for what the night had left. In 1997 the town had 4,318 inhabitants; twenty years later there were fewer than 3,900.\n\ndef fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n\nQuestion: If a train leaves at 9:15 and arrives at 11:45, how long does the journey take?\nAnswer: two hours and thirty minutes.";

    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // F32 and BF16 hold the weights as they are; llama.cpp rounds the inputs of products to bf16 for BF16 and to half precision for F16, and to 8 bits in blocks of 32 for the quantized types: half a
    // step of 1/127 of the largest of a block, 0.3 % of a value, in each of 30 layers, is an error of some 2 % of logits with a deviation of 3, and a divergence of its half square, 0.002.
    // Weights in the wrong order of a block give several units.
    [Theory, Trait("Category", "RealModel")]
    [InlineData(GgufFileType.F32, 1e-8)]
    [InlineData(GgufFileType.F16, 1e-3)]
    [InlineData(GgufFileType.BF16, 1e-3)]
    [InlineData(GgufFileType.Q8_0, 1e-2)]
    [InlineData(GgufFileType.Q4_0, 1e-2)]
    [InlineData(GgufFileType.Q4_K_M, 1e-2)]
    public void Llama_cpp_and_LowRank_read_the_same_model(GgufFileType type, double allowed)
    {
        var path = Path.Combine(folder, "x.gguf");
        GgufExporter.Export(RealModels.Require(RealModels.SmolLM2), path, new GgufExportOptions { Type = type });
        var (ids, own) = Own(path);
        using var llama = LlamaCppModel.Load(path);
        using var tokenizer = LlamaCppModel.Tokenizer(path, special: true, out var read);
        Assert.Equal(ids, read(Text));
        var other = llama.Logits(ids);
        var (vocabulary, same, divergence) = (llama.VocabularySize, 0, 0.0);
        for (var i = 0; i < ids.Length; i++)
        {
            ReadOnlySpan<float> p = own.AsSpan(i * vocabulary, vocabulary), q = other.AsSpan(i * vocabulary, vocabulary);
            if (TensorPrimitives.IndexOfMax(p) == TensorPrimitives.IndexOfMax(q)) same++;
            divergence += Divergence(p, q) / ids.Length;
        }
        output.WriteLine($"{type}: {same} of {ids.Length} most likely tokens are the same, KL divergence {divergence:g3}");
        Assert.True(divergence <= allowed, $"{type}: the KL divergence is {divergence:g4}; allowed is {allowed}");
        Assert.True(same >= 0.9 * ids.Length, $"{type}: only {same} of {ids.Length} most likely tokens are the same");
    }

    private static (int[] Ids, float[] Logits) Own(string path)
    {
        using var model = ModelLoader.Load(path, new ModelLoadOptions { ComputeType = torch.ScalarType.Float32 });
        int[] ids = [.. model.Tokenizer.Encode(Text)];
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var input = DecoderInput.Padded([.. ids.Select(i => (long)i)], 1, model.Decoder.Device);
        return (ids, model.Decoder.Logits(model.Decoder.Hidden(input)).contiguous().data<float>().ToArray());
    }

    private static double Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        double sumP = LogSum(p), sumQ = LogSum(q), sum = 0;
        for (var i = 0; i < p.Length; i++) sum += Math.Exp(p[i] - sumP) * (p[i] - sumP - q[i] + sumQ);
        return sum;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        var (largest, sum) = (TensorPrimitives.Max(logits), 0.0);
        foreach (var l in logits) sum += Math.Exp(l - largest);
        return largest + Math.Log(sum);
    }
}
