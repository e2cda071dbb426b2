using System.Text.Json;
using LowRank.Adapters;
using LowRank.Adapters.Initialization;
using LowRank.Layers;
using LowRank.Models.Decoder;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>Starts of LoRA that depend on the weight, as PEFT 0.21 computes them, and PiSSA's conversion to a plain LoRA.</summary>
[Trait("Category", "Golden")]
public sealed class InitializationGoldenTests
{
    // A case is named after the text of init_lora_weights that it shows.
    private static readonly string[] Texts = ["pissa", "olora", "orthogonal", "loftq", "mica", "corda", "lora_ga"];

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/inits", [.. Reference("inits").Select(Id)], id => IsLoftQ(id) ? null : Refusal(TextOf(id)));

    public static IEnumerable<TheoryDataRow<string>> Conversions => Golden.Cases("numerics/adapters/pissa_to_lora", Directory.Exists(Golden.At("numerics", "base_llama")) ? [.. Reference("pissa_to_lora").Select(Id)] : []);

    private static JsonElement[] Reference(string folder)
    {
        var path = Golden.At("numerics", "adapters", folder, "cases.json");
        return File.Exists(path) ? [.. JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases").EnumerateArray()] : [];
    }

    private static GoldenTensors Tensors(string folder) => new(Golden.At("numerics", "adapters", folder, "cases.safetensors"));

    private static string Id(JsonElement test) => test.GetProperty("id").GetString()!;

    private static string TextOf(string id) => Texts.Single(t => id.StartsWith(t, StringComparison.Ordinal));

    private static bool IsLoftQ(string id) => TextOf(id) == "loftq";

    private static string? Refusal(string text)
    {
        try
        {
            AdapterConfig.Parse($$"""{"init_lora_weights": "{{text}}"}""");
            return null;
        }
        catch (LoraConfigException e)
        {
            return e.Problems.Single();
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var test = Reference("inits").Single(c => Id(c) == id);
        var want = Tensors("inits");
        using var scope = NewDisposeScope();
        Tensor Read(string name) => tensor(want.Floats(name)).view(want.Shape(name));
        var (weight, x, scaling) = (Read("weight"), Read("x"), test.GetProperty("scaling").GetDouble());
        var rank = test.GetProperty("r").GetInt32();
        var compared = new Dictionary<string, Tensor>();
        if (IsLoftQ(id))
        {
            var options = new FourBitOptions { Type = FourBitOptions.TypeOf(test.GetProperty("quant_type").GetString()!), BlockSize = test.GetProperty("blocksize").GetInt32(), DoubleQuantization = false };
            var (quantized, a, b) = LoftQ.Of(weight, rank, test.GetProperty("iterations").GetInt32(), options, "weight");
            using (quantized)
            {
                compared["base_after"] = quantized.Dequantize(0, weight.shape[0]);
                compared["delta"] = b.mm(a) * scaling;
                compared["y"] = quantized.Linear(x) + x.mm(compared["delta"].t());
                Assert.Equal(test.GetProperty("residual_norm").GetDouble(), (weight - compared["base_after"] - b.mm(a)).norm().item<float>(), test.GetProperty("tolerance").GetProperty("atol").GetDouble());
            }
        }
        else if (TextOf(id) == "orthogonal")
        {
            var (a, b) = OrthogonalPair.Of(Read($"{id}.draw_q"), Read($"{id}.draw_a"), Read($"{id}.draw_b"));
            foreach (var (name, value) in new[] { ("A", a), ("B", b), ("delta", b.mm(a) * scaling), ("y", x.mm((weight + b.mm(a) * scaling).t())) }) compared[name] = value;
        }
        else
        {
            using var frozen = new FrozenLinear(new DenseWeight(weight.clone()));
            using var adapter = Create(test, frozen);
            compared["delta"] = adapter.Initial.NegatedB.mm(adapter.Initial.A) * -scaling;
            compared["base_after"] = weight - compared["delta"];
            compared["y"] = adapter.Forward(x, frozen);
            // What is trained starts where it is subtracted, and the base is as it was.
            var (a, b) = (adapter.Parameters[0].Value, adapter.Parameters[1].Value);
            Assert.Equal(LoraGoldenTests.Floats(adapter.Initial.A), LoraGoldenTests.Floats(a));
            Assert.Equal(LoraGoldenTests.Floats(-adapter.Initial.NegatedB), LoraGoldenTests.Floats(b));
            Assert.Equal(want.Floats("weight"), LoraGoldenTests.Floats(frozen.Weight.Dequantize(0, frozen.OutFeatures)));
        }
        foreach (var name in test.GetProperty("compare").EnumerateArray().Select(c => c.GetString()!).Where(c => c != "residual_norm")) Close(want.Floats($"{id}.{name}"), LoraGoldenTests.Floats(compared[name]), test, name);
        // Nothing changes at the start: PEFT's own output is off by less than this too.
        if (test.GetProperty("keeps_output").GetBoolean()) Close(want.Floats("wx"), LoraGoldenTests.Floats(compared["y"]), test, "the base's output");
    }

    [Theory, MemberData(nameof(Conversions))]
    public void A_trained_pissa_becomes_the_plain_lora_that_peft_saves(string id)
    {
        var test = Reference("pissa_to_lora").Single(c => Id(c) == id);
        var want = Tensors("pissa_to_lora");
        string Folder(string role) => Golden.At("numerics", "adapters", "pissa_to_lora", test.GetProperty(role).GetString()!);
        using var scope = NewDisposeScope();
        using var model = QloraGoldenTests.Model(Golden.At("numerics", test.GetProperty("base").GetString()!));
        var logits = want.Floats(test.GetProperty("want").GetString()!);
        float[] Logits()
        {
            using var noGrad = no_grad();
            var input = test.GetProperty("input").GetString()!;
            using var ids = DecoderInput.Padded(want.Longs(input), want.Shape(input)[0], model.Device);
            return LoraGoldenTests.Floats(model.Logits(model.Hidden(ids)));
        }

        AttachedAdapter Load(AdapterFolder folder)
        {
            var attached = AdapterInjector.Attach(model.Slots, folder.Config, model.Spec.ModelType);
            attached.Load(folder);
            return attached;
        }

        var plain = Logits();
        using var converted = AdapterFolder.Open(Folder("converted"));
        using (Load(converted)) Close(logits, Logits(), test, "logits of PEFT's conversion");

        // As it was trained, over what is computed from the base again.
        using var trained = AdapterFolder.Open(Folder("trained"));
        Assert.NotNull(LoraConversion.Warning(trained.Config, trained.Path));
        Assert.Null(LoraConversion.Warning(converted.Config, converted.Path));
        using var temporary = new TemporaryFolder();
        using (var attached = Load(trained))
        {
            Close(logits, Logits(), test, "logits over the residual base");
            foreach (var slot in model.Slots.OfType<LinearSlot>())
                if (slot.Module is AdaptedLinear { Adapter: ResidualLoraAdapter adapter } adapted)
                    Close(want.Floats($"residual.{slot.Name}.weight"), LoraGoldenTests.Floats(adapted.Frozen.Weight.Dequantize(0, adapted.OutFeatures) + adapter.Initial.NegatedB.mm(adapter.Initial.A) * adapter.Scaling), test, $"residual of {slot.Name}");
            attached.Save(temporary.At("plain"));
            var merged = attached.MergedTensors().ToDictionary(t => t.Name, t => LoraGoldenTests.Floats(t.Value));
            attached.Dispose();
            Assert.Equal(plain, Logits());
            using var again = Load(converted);
            foreach (var (name, value) in again.MergedTensors()) Close(LoraGoldenTests.Floats(value), merged[name], test, $"merged {name}");
        }

        // What is saved has PEFT's configuration and the same updates; signs of singular vectors are free.
        using var written = AdapterFolder.Open(temporary.At("plain"));
        Assert.Equal(converted.Config.ToJson(), written.Config.ToJson());
        Assert.Equal(converted.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), written.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (var tensor in converted.Weights.Tensors.Where(t => t.Name.EndsWith("lora_A.weight", StringComparison.Ordinal)))
            Close(Product(converted, tensor.Name), Product(written, tensor.Name), test, tensor.Name);
        using (Load(written)) Close(logits, Logits(), test, "logits of what was saved");

        // A new one starts as PEFT's did and changes nothing: its update of unit size cancels to a few roundings of 2⁻²⁴ a layer, far below the tolerance.
        using var initial = AdapterFolder.Open(Folder("initial"));
        using (AdapterInjector.Attach(model.Slots, trained.Config, model.Spec.ModelType))
        {
            Close(plain, Logits(), test, "logits of a new adapter");
            foreach (var slot in model.Slots.OfType<LinearSlot>())
                if (slot.Module is AdaptedLinear { Adapter: ResidualLoraAdapter adapter })
                    Close(Product(initial, AdapterKeys.ToKey($"{slot.Name}.lora_A.weight")), LoraGoldenTests.Floats(adapter.Parameters[1].Value.mm(adapter.Parameters[0].Value)), test, $"start of {slot.Name}");
        }
    }

    private static ResidualLoraAdapter Create(JsonElement test, FrozenLinear frozen)
    {
        var config = AdapterConfig.Parse($$"""{"init_lora_weights": "{{TextOf(Id(test))}}", "r": {{test.GetProperty("r")}}, "lora_alpha": {{test.GetProperty("lora_alpha")}}, "use_rslora": {{(test.TryGetProperty("use_rslora", out var rslora) && rslora.GetBoolean() ? "true" : "false")}}}""");
        var lora = (LoraConfig)config;
        var scaling = lora.Scaling(lora.Rank, lora.Alpha);
        Assert.Equal(test.GetProperty("scaling").GetDouble(), scaling, 1e-12);
        using var generator = new Generator(1, CPU);
        var target = new AdapterTarget(new AdaptableModule("layer", ModuleKind.Linear, frozen.InFeatures, frozen.OutFeatures, false), lora.Rank, lora.Alpha, scaling);
        return (ResidualLoraAdapter)AdapterMethod.Of(config).Create(target, frozen, new AdapterStart(generator, new Dropout(), 0));
    }

    private static float[] Product(AdapterFolder folder, string keyOfA)
    {
        var keyOfB = keyOfA.Replace("lora_A", "lora_B", StringComparison.Ordinal);
        Tensor Read(string key)
        {
            var shape = folder.Weights.Tensors.Single(t => t.Name == key).Shape;
            var values = new float[shape.Aggregate(1L, (p, n) => p * n)];
            Assert.True(folder.TryRead(key, values));
            return tensor(values).view(shape);
        }

        using var scope = NewDisposeScope();
        return LoraGoldenTests.Floats(Read(keyOfB).mm(Read(keyOfA)));
    }

    private static void Close(float[] want, float[] got, JsonElement test, string what)
    {
        var tolerance = test.GetProperty("tolerance");
        var (atol, rtol) = (tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
        Assert.Equal(want.Length, got.Length);
        var off = Enumerable.Range(0, want.Length).Where(i => !(Math.Abs(got[i] - want[i]) <= atol + rtol * Math.Abs(want[i]))).ToArray();
        var most = test.TryGetProperty("max_elements_off", out var share) ? share.GetDouble() * want.Length : 0;
        Assert.True(off.Length <= most, $"{what}: {off.Length} of {want.Length} elements are off; element {off.FirstOrDefault()} is {got[off.FirstOrDefault()]:g9}, want {want[off.FirstOrDefault()]:g9}");
    }
}
