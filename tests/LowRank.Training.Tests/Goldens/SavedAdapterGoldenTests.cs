using System.Text.Json;
using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models.Decoder;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>One adapter of each kind that PEFT 0.21 saves: the model's logits with it and with it merged, what is trained, and the file that is written of it.</summary>
[Trait("Category", "Golden")]
public sealed class SavedAdapterGoldenTests
{
    private const string Place = "numerics/adapters/saved";

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/saved", Reference() is { } json ? [.. json.EnumerateArray().Select(c => Text(c, "id"))] : [], Refusal);

    private static JsonElement? Reference()
    {
        var path = Golden.At([.. Place.Split('/'), "cases.json"]);
        return File.Exists(path) && Directory.Exists(Golden.At("numerics", "base_llama")) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases") : null;
    }

    private static JsonElement Case(string id) => Reference()!.Value.EnumerateArray().Single(c => Text(c, "id") == id);

    private static string Folder(string id) => Golden.At([.. Place.Split('/'), .. Text(Case(id), "folder").Split('/')]);

    // A kind that is not built is refused by its name, which LoraConfigGoldenTests holds.
    private static string? Refusal(string id)
    {
        try
        {
            AdapterConfig.Load(Folder(id));
            return null;
        }
        catch (LoraConfigException e)
        {
            return string.Join("; ", e.Problems.Select(p => p.Split(": ")[^1]));
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var test = Case(id);
        var want = new GoldenTensors(Golden.At([.. Place.Split('/'), "cases.safetensors"]));
        using var scope = NewDisposeScope();
        using var model = QloraGoldenTests.Model(Golden.At("numerics", Text(test, "base")));
        using var folder = AdapterFolder.Open(Folder(id));
        using var attached = AdapterInjector.Attach(model.Slots, folder.Config, model.Spec.ModelType);
        attached.Load(folder);
        Assert.Equal(test.GetProperty("trainable").GetInt64(), attached.Parameters.Sum(p => p.Count));
        QloraGoldenTests.Close(want.Floats(Text(test, "want")), Logits(model, want, test), test, "tolerance", "logits");

        // Written again: the same tensors, the same configuration.
        using var temporary = new TemporaryFolder();
        attached.Save(temporary.At("again"));
        using (var again = AdapterFolder.Open(temporary.At("again")))
        {
            Assert.Equal(folder.Config.ToJson(), again.Config.ToJson());
            Assert.Equal(folder.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), again.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
            foreach (var tensor in folder.Weights.Tensors)
            {
                float[] read = new float[tensor.Elements], written = new float[tensor.Elements];
                Assert.True(folder.TryRead(tensor.Name, read) && again.TryRead(tensor.Name, written));
                Assert.Equal(read, written);
            }
        }

        Merge(model, attached);
        QloraGoldenTests.Close(want.Floats(Text(test, "want")), Logits(model, want, test), test, "tolerance", "logits after merging");
    }

    // The base with the merged tensors in place of its own.
    private static void Merge(CausalLM model, AttachedAdapter attached)
    {
        var merged = attached.MergedTensors().ToDictionary(t => t.Name, t => t.Value);
        attached.Dispose();
        // A tied head follows the table only while it shares its weight.
        var table = model.Slots.OfType<EmbeddingSlot>().Single();
        foreach (var slot in model.Slots)
        {
            switch (slot)
            {
                case EmbeddingSlot embedding when merged.ContainsKey($"{slot.Name}.weight"):
                    embedding.Module = new FrozenEmbedding(new DenseWeight(merged[$"{slot.Name}.weight"].clone()));
                    break;
                case LinearSlot linear:
                    var weight = merged.GetValueOrDefault($"{slot.Name}.weight") ?? (linear.IsHead && model.Spec.TiedHead ? merged.GetValueOrDefault($"{table.Name}.weight") : null);
                    var bias = merged.GetValueOrDefault($"{slot.Name}.bias");
                    var old = linear.FrozenBase();
                    if (weight is not null || bias is not null)
                        linear.Module = new FrozenLinear(new DenseWeight(weight?.clone() ?? old.Weight.Dequantize(0, old.OutFeatures)), bias?.clone() ?? old.Bias?.clone());
                    break;
                case NormSlot norm when merged.TryGetValue($"{slot.Name}.weight", out var values):
                    using (no_grad()) norm.Module.Weight.copy_(values);
                    break;
            }
        }
    }

    private static float[] Logits(CausalLM model, GoldenTensors want, JsonElement test)
    {
        using var noGrad = no_grad();
        var input = Text(test, "input");
        using var ids = DecoderInput.Padded(want.Longs(input), want.Shape(input)[0], model.Device);
        using var logits = model.Logits(model.Hidden(ids));
        return LoraGoldenTests.Floats(logits);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
