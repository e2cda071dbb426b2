using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Export;
using LowRank.Models.Families;
using LowRank.Testing;
using TorchSharp;

namespace LowRank.LlamaCpp.Tests;

/// <summary>The tiny models of fixtures/models, exported and run by llama.cpp: its logits are those of transformers.</summary>
[Trait("Category", "Golden")]
public sealed class FamilyTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> Models => Golden.Cases("llama.cpp/families", GoldenModels.Names, name =>
        GgufArchitecture.For(ModelConfig.Load(Golden.At("models", name, "config.json")).ModelType) is null ? $"{name}: not written as GGUF" : null);

    [Theory, MemberData(nameof(Models))]
    public void Llama_cpp_computes_the_logits_of_transformers(string name)
    {
        var (model, want) = (ExportedModel.Prepare(name, folder), new GoldenTensors(Golden.At("models", name, "reference.safetensors")));
        using var llama = LlamaCppModel.Load(ExportedModel.Write(model, Path.Combine(folder, "x.gguf")));
        var (shorter, longer) = ExportedModel.Compared(name);
        if (shorter > 0) Compare("input_ids", "logits", shorter);
        if (want.Has("long.input_ids")) Compare("long.input_ids", "long.logits", longer);

        void Compare(string input, string output, int positions)
        {
            var (rows, length) = ((int)want.Shape(input)[0], (int)want.Shape(input)[1]);
            var (ids, vocabulary) = (want.Longs(input), (int)want.Shape(output)[2]);
            var logits = ExportedModel.IsAsPublished(name) ? want.Floats(output) : Own(model, ids, rows);
            var compared = Math.Min(length, positions);
            for (var row = 0; row < rows; row++)
            {
                var got = llama.Logits([.. ids.AsSpan(row * length, length).ToArray().Select(i => (int)i)]);
                Near.All(logits.AsSpan(row * length * vocabulary, compared * vocabulary), got.AsSpan(0, compared * vocabulary), ExportedModel.Tolerance(name), $"{name} {output} row {row}");
            }
        }
    }

    // Of a model whose configuration had to change before GGUF could say it.
    private static float[] Own(string model, long[] ids, int rows)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var tensors = SafetensorsFolder.Open(model);
        var config = ModelConfig.Load(Path.Combine(model, "config.json"));
        using var decoder = DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(tensors, model), torch.ScalarType.Float32);
        using var input = DecoderInput.Padded(ids, rows, decoder.Device);
        return decoder.Logits(decoder.Hidden(input)).contiguous().data<float>().ToArray();
    }
}
