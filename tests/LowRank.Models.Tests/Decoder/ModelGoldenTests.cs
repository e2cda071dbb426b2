using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Tests.Decoder;

/// <summary>The tiny models of fixtures/models, computed by transformers 5.23: hidden states, logits, padding, packing, long inputs, cache.</summary>
[Trait("Category", "Golden")]
public sealed class ModelGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("models", GoldenModels.Names, Skip);

    public static IEnumerable<TheoryDataRow<string>> Bf16Cases => Golden.Cases("models/bf16", GoldenModels.Names.Where(f => Skip(f) is null && new GoldenTensors(Golden.At("models", f, "reference.safetensors")).Has("bf16.logits")));

    public static IEnumerable<TheoryDataRow<string, string>> OnOtherDevices => Devices.Others(Cases);

    public static IEnumerable<TheoryDataRow<string, string>> Bf16OnOtherDevices => Devices.Others(Bf16Cases);

    internal static string? Skip(string name)
    {
        var family = ModelConfig.Load(Golden.At("models", name, "config.json")).ModelType;
        return ModelFamilies.Knows(family) ? null : $"{name}: the family {family} is not built yet";
    }

    internal static double Tolerance(string name, string key) => GoldenModels.Tolerance("models", name, key);

    internal static CausalLM Load(string name, string config = "config.json", ScalarType computeType = ScalarType.Float32)
    {
        var folder = Golden.At("models", name);
        using var tensors = SafetensorsFolder.Open(folder);
        var read = ModelConfig.Load(Path.Combine(folder, config));
        return DecoderBuilder.Build(ModelFamilies.Of(read).Read(read), new WeightReader(tensors, folder, device: Devices.Current), computeType);
    }

    private static float[] Floats(Tensor t) => t.detach().cpu().contiguous().data<float>().ToArray();

    // The same cases by the CUDA kernels, run on the processor, and on each GPU.
    [Theory, MemberData(nameof(OnOtherDevices))]
    public void Equals_transformers_on_other_devices(string device, string name)
    {
        using var used = Devices.Use(device);
        Equals_transformers(name);
        Token_by_token_through_the_cache_equals_the_whole(name);
    }

    [Theory, MemberData(nameof(Bf16OnOtherDevices))]
    public void Bf16_compute_stays_near_on_other_devices(string device, string name)
    {
        using var used = Devices.Use(device);
        Bf16_compute_stays_near(name);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_transformers(string name)
    {
        var want = new GoldenTensors(Golden.At("models", name, "reference.safetensors"));
        double logitsTolerance = Tolerance(name, "logits"), hiddenTolerance = Tolerance(name, "hidden");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Load(name);

        var states = new Dictionary<int, float[]>();
        using (var input = DecoderInput.Padded(want.Longs("input_ids"), want.Shape("input_ids")[0], model.Device))
        {
            var hidden = model.Hidden(input, (layer, x) => states[layer] = Floats(x));
            Near.All(want.Floats("hidden.embed"), states[-1], hiddenTolerance, "hidden.embed");
            for (var i = 0; i < model.Spec.Layers; i++) Near.All(want.Floats($"hidden.layers.{i}"), states[i], hiddenTolerance, $"hidden.layers.{i}");
            Near.All(want.Floats("hidden.norm"), states[model.Spec.Layers], hiddenTolerance, "hidden.norm");
            Near.All(want.Floats("logits"), Floats(model.Logits(hidden)), logitsTolerance, "logits");
        }
        using (var input = DecoderInput.Padded(want.Longs("padded.input_ids"), want.Shape("padded.input_ids")[0], model.Device))
        {
            // Elsewhere the file holds zeros.
            var got = Floats(model.Logits(model.Hidden(input)));
            var mask = want.Longs("padded.attention_mask");
            var vocabulary = (int)model.Spec.VocabularySize;
            for (var i = 0; i < mask.Length; i++) if (mask[i] == 0) got.AsSpan(i * vocabulary, vocabulary).Clear();
            Near.All(want.Floats("padded.logits"), got, logitsTolerance, "padded.logits");
        }
        using (var input = DecoderInput.Packed(want.Longs("packed.input_ids"), want.Longs("packed.position_ids"), want.Longs("packed.sequence_ids"), want.Shape("packed.input_ids")[0], model.Device))
            Near.All(want.Floats("packed.logits"), Floats(model.Logits(model.Hidden(input))), logitsTolerance, "packed.logits");
        if (want.Has("long.input_ids"))
            using (var input = DecoderInput.Padded(want.Longs("long.input_ids"), want.Shape("long.input_ids")[0], model.Device))
                Near.All(want.Floats("long.logits"), Floats(model.Logits(model.Hidden(input))), logitsTolerance, "long.logits");
    }

    [Theory, MemberData(nameof(Cases))]
    public void Both_forms_of_the_configuration_give_the_same_spec(string name)
    {
        var folder = Golden.At("models", name);
        var (new5, old4) = (ModelConfig.Load(Path.Combine(folder, "config.json")), ModelConfig.Load(Path.Combine(folder, "config.v4.json")));
        var (a, b) = (ModelFamilies.Of(new5).Read(new5), ModelFamilies.Of(old4).Read(old4));
        Assert.Equal(a.Windows, b.Windows);
        Assert.Equal(a.EndOfTextIds, b.EndOfTextIds);
        Assert.Equal(a.Ropes, b.Ropes);
        Assert.Equal(a.ExpertLayers, b.ExpertLayers);
        static DecoderSpec WithoutLists(DecoderSpec spec) => spec with { Windows = [], EndOfTextIds = [], Ropes = [], ExpertLayers = [] };
        Assert.Equal(WithoutLists(a), WithoutLists(b));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Token_by_token_through_the_cache_equals_the_whole(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", name, "reference.json")));
        var generate = reference.RootElement.GetProperty("generate");
        var ids = generate.GetProperty("prompt").EnumerateArray().Select(n => n.GetInt64()).ToList();
        var wanted = generate.GetProperty("new_tokens").EnumerateArray().Select(n => n.GetInt64()).ToList();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Load(name);
        using var cache = new KvCache(model.Spec, 1, ids.Count + wanted.Count, device: model.Device);
        var got = new List<long>();
        var next = ids.ToArray();
        for (var at = 0; got.Count < wanted.Count;)
        {
            using var input = DecoderInput.Continued(next, [.. next.Select((_, i) => (long)(at + i))], cache, model.Device);
            at += next.Length;
            using var logits = model.Logits(model.Hidden(input));
            next = [logits[0, -1].argmax().item<long>()];
            got.Add(next[0]);
        }
        Assert.Equal(wanted, got);
    }

    // Where a gradient is asked for, operations of tensors read the cache instead of the kernels: they serve other types and devices.
    [Theory, MemberData(nameof(Cases))]
    public void The_cache_by_operations_of_tensors_equals_the_kernels(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", name, "reference.json")));
        long[] ids = [.. reference.RootElement.GetProperty("generate").GetProperty("prompt").EnumerateArray().Select(n => n.GetInt64())];
        using var scope = NewDisposeScope();
        using var model = Load(name);
        // A new adapter changes nothing but that a gradient is asked for.
        using var adapter = AdapterInjector.Attach(model.Slots, new LoraConfig { Rank = 2, TargetModules = ModulePattern.Parse("all-linear") }, model.Spec.ModelType, seed: 1);
        var logits = new List<float[]>();
        foreach (var isRecorded in new[] { false, true })
        {
            using var mode = isRecorded ? enable_grad() : no_grad();
            using var cache = new KvCache(model.Spec, 1, ids.Length + 3, device: model.Device);
            foreach (var (part, at) in new[] { (ids[..^1], 0), (ids[^1..], ids.Length - 1) })
            {
                using var input = DecoderInput.Continued(part, [.. part.Select((_, i) => (long)(at + i))], cache, model.Device);
                var computed = model.Logits(model.Hidden(input));
                Assert.Equal(isRecorded, computed.requires_grad);
                logits.Add(Floats(computed));
            }
        }
        Near.All(logits[0], logits[2], Tolerance(name, "logits"), "prompt");
        Near.All(logits[1], logits[3], Tolerance(name, "logits"), "next token");
    }

    // Names and shapes as in the checkpoint are what makes the written one loadable by others.
    [Theory, MemberData(nameof(Cases))]
    public void Full_training_trains_every_tensor_of_the_checkpoint_and_changes_nothing_at_first(string name)
    {
        var folder = Golden.At("models", name);
        var want = new GoldenTensors(Path.Combine(folder, "reference.safetensors"));
        using var tensors = SafetensorsFolder.Open(folder);
        using var scope = NewDisposeScope();
        using var model = Load(name);
        var training = FullTraining.Attach(model.Slots);
        Assert.Equal(tensors.Tensors.Select(t => $"{t.Name} {t.ShapeText}").Order(StringComparer.Ordinal),
            training.Parameters.Select(p => $"{p.Name} [{string.Join(", ", p.Shape)}]").Order(StringComparer.Ordinal));
        Assert.Equal(tensors.Tensors.Sum(t => t.Elements), training.Parameters.Sum(p => p.Count));
        using var input = DecoderInput.Padded(want.Longs("input_ids"), want.Shape("input_ids")[0], model.Device);
        var logits = model.Logits(model.Hidden(input));
        Near.All(want.Floats("logits"), Floats(logits), Tolerance(name, "logits"), "logits");
        logits.sum().backward();
        Assert.All(training.Parameters, p => Assert.NotNull(p.Value.grad));
    }

    public static IEnumerable<TheoryDataRow<string>> RouterCases => Golden.Cases("models/router", GoldenModels.Names.Where(HasRouter));

    private static bool HasRouter(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", name, "reference.json")));
        return reference.RootElement.TryGetProperty("router", out _);
    }

    [Theory, MemberData(nameof(RouterCases))]
    public void The_load_balancing_loss_equals_transformers(string name)
    {
        if (name.Length == 0) return;
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", name, "reference.json")));
        var router = reference.RootElement.GetProperty("router");
        var want = new GoldenTensors(Golden.At("models", name, "reference.safetensors"));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Load(name);
        using var input = DecoderInput.Padded(want.Longs("input_ids"), want.Shape("input_ids")[0], model.Device);
        var logits = new List<Tensor>();
        model.Hidden(input, null, seen => logits.Add(seen.clone().DetachFromDisposeScope()));
        Assert.Equal(model.Spec.ExpertLayers.Count(isSparse => isSparse), logits.Count);
        var loss = LoadBalancing.Loss(logits, model.Spec.Experts!.PerToken).item<float>();
        foreach (var l in logits) l.Dispose();
        Assert.Equal(router.GetProperty("aux_loss").GetDouble(), loss, Tolerance(name, "loss"));
        Assert.Equal(router.GetProperty("aux_loss_coef").GetDouble(), model.Spec.Experts.BalanceFactor);
    }

    [Theory, MemberData(nameof(Bf16Cases))]
    public void Bf16_compute_stays_near(string name)
    {
        var want = new GoldenTensors(Golden.At("models", name, "reference.safetensors"));
        if (!want.Has("bf16.logits")) return;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Load(name, computeType: ScalarType.BFloat16);
        using var input = DecoderInput.Padded(want.Longs("input_ids"), want.Shape("input_ids")[0], model.Device);
        var (wanted, got) = (want.Floats("bf16.logits"), Floats(model.Logits(model.Hidden(input))));
        Near.All(wanted, got, Tolerance(name, "bf16.logits"), "bf16.logits");
        Assert.True(wanted.Zip(got, (a, b) => Math.Abs(a - b)).Average() <= Tolerance(name, "bf16.logits_mean"));
    }
}
