using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>Adapters on tiny models, as PEFT 0.21 computes and trains them: logits, loss, every gradient, the adapter after 1 and 20 steps, the merge.</summary>
[Trait("Category", "Golden")]
public sealed class LoraGoldenTests
{
    private const string Prefix = "base_model.model.";

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("models/lora", "models/lora", "*/", Skip);

    internal static string? Skip(string name)
    {
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "lora", name, "reference.json")));
        var family = ModelConfig.Load(Golden.At("models", reference.RootElement.GetProperty("base").GetString()!, "config.json")).ModelType;
        return ModelFamilies.Knows(family) ? null : $"{name}: the family {family} is not built yet";
    }

    internal static CausalLM Model(string name, ScalarType computeType = ScalarType.Float32)
    {
        var folder = Golden.At("models", name);
        using var tensors = SafetensorsFolder.Open(folder);
        var config = ModelConfig.Load(Path.Combine(folder, "config.json"));
        return DecoderBuilder.Build(ModelFamilies.Of(config).Read(config), new WeightReader(tensors, folder, device: Devices.Current), computeType);
    }

    internal static Batch BatchOf(long[] ids, long[] labels, int rows) => new()
    {
        Rows = rows,
        Length = ids.Length / rows,
        InputIds = ids,
        Labels = labels,
        Positions = [.. ids.Select((_, i) => (long)(i % (ids.Length / rows)))],
        SequenceIds = [.. ids.Select(_ => 1L)],
        SupervisedTokens = labels.Where((l, i) => i % (ids.Length / rows) > 0 && l != Batch.IgnoredLabel).Count(),
        Tokens = ids.Length,
        Examples = [],
        IsPacked = false,
    };

    internal static void SetFrom(AttachedAdapter adapter, GoldenTensors file)
    {
        using var noGrad = no_grad();
        foreach (var t in adapter.Values())
        {
            Assert.Equal(file.Shape(Prefix + t.Key), t.Value.shape);
            if (t.IsBaseCopy) Near.All(file.Floats(Prefix + t.Key), Floats(t.Value), 0, t.Key);
            else t.Value.copy_(tensor(file.Floats(Prefix + t.Key)).view(t.Value.shape));
        }
    }

    internal static float[] Floats(Tensor t) => t.detach().cpu().contiguous().data<float>().ToArray();

    public static IEnumerable<TheoryDataRow<string, string>> OnOtherDevices => Devices.Others(Cases);

    // The same cases by the CUDA kernels, run on the processor, and on each GPU.
    [Theory, MemberData(nameof(OnOtherDevices))]
    public void Equals_peft_on_other_devices(string device, string name)
    {
        using var used = Devices.Use(device);
        Equals_peft(name);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string name)
    {
        var folder = Golden.At("models", "lora", name);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        var reference = json.RootElement;
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "MANIFEST.json")));
        var tolerance = manifest.RootElement.GetProperty("adapters").EnumerateArray().Single(a => a.GetProperty("name").GetString() == name).GetProperty("tolerance");
        double Allowed(string key) => tolerance.GetProperty(key).GetDouble();
        var want = new GoldenTensors(Path.Combine(folder, "reference.safetensors"));
        var saved = new GoldenTensors(Path.Combine(folder, "adapter_model.safetensors"));

        using var scope = NewDisposeScope();
        using var model = Model(reference.GetProperty("base").GetString()!);
        using var adapter = AdapterInjector.Attach(model.Slots, AdapterConfig.Load(folder), model.Spec.ModelType);
        Assert.Equal(saved.Names.Order(StringComparer.Ordinal), adapter.Values().Select(t => Prefix + t.Key).Order(StringComparer.Ordinal));
        SetFrom(adapter, saved);
        Merged(adapter, Path.Combine(folder, "merged.safetensors"));

        using var flat = new FlatParameters(adapter.Parameters);
        var rows = (int)want.Shape("input_ids")[0];
        var batch = BatchOf(want.Longs("input_ids"), want.Longs("labels"), rows);
        using (no_grad())
        using (var input = DecoderInput.Padded(batch.InputIds, rows, model.Device))
            Near.All(want.Floats("logits"), Floats(model.Logits(model.Hidden(input))), Allowed("logits"), "logits");
        var loss = CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens;
        Assert.Equal(reference.GetProperty("supervised_tokens").GetInt32(), batch.SupervisedTokens);
        Assert.Equal(reference.GetProperty("loss").GetDouble(), loss, Allowed("loss"));

        // Adapters of an older form are there to be loaded, not to be trained.
        if (!reference.TryGetProperty("trainable", out var named)) return;
        var undetermined = Undetermined(reference);

        // Gradients are views of one buffer: let the values' views show them under the names of the file.
        var trainable = named.EnumerateArray().Select(n => n.GetString()!).ToHashSet();
        foreach (var (key, gradient) in Swapped(flat, adapter, flat.Gradients))
        {
            if (!trainable.Contains(key)) continue;
            var wanted = want.Floats($"grad.{key}");
            Near.All(wanted, gradient, Allowed("grad_relative") * wanted.Max(Math.Abs), $"grad.{key}");
            trainable.Remove(key);
        }
        Assert.Empty(trainable);

        // Training starts from the values of the file and sees one batch a step.
        flat.ZeroGradients();
        var optimizer = reference.GetProperty("optimizer");
        Assert.Equal("AdamW", optimizer.GetProperty("name").GetString());
        var betas = optimizer.GetProperty("betas");
        using var adam = new AdamW(flat, new AdamWSettings(betas[0].GetDouble(), betas[1].GetDouble(), optimizer.GetProperty("eps").GetDouble(), optimizer.GetProperty("weight_decay").GetDouble()));
        var losses = reference.GetProperty("train_losses").EnumerateArray().Select(n => n.GetDouble()).ToArray();
        var shape = want.Shape("train.input_ids");
        var size = (int)(shape[1] * shape[2]);
        var (ids, labels) = (want.Longs("train.input_ids"), want.Longs("train.labels"));
        // Kernels whose threads the processor runs one after another take their time: two steps show what twenty would.
        var steps = Devices.HasStandIn ? 2 : losses.Length;
        for (var step = 0; step < steps; step++)
        {
            var next = BatchOf(ids[(step * size)..((step + 1) * size)], labels[(step * size)..((step + 1) * size)], (int)shape[1]);
            Assert.Equal(losses[step], CausalLoss.Backward(model, next, 1.0 / next.SupervisedTokens) / next.SupervisedTokens, Allowed("train_losses"));
            adam.Step(optimizer.GetProperty("lr").GetDouble());
            flat.ZeroGradients();
            foreach (var key in new[] { 1, losses.Length }.Where(n => n == step + 1))
                foreach (var (parameter, value) in Swapped(flat, adapter, flat.Values))
                    if (want.Has($"after_{key}.{parameter}"))
                    {
                        var wanted = want.Floats($"after_{key}.{parameter}");
                        // What no gradient determines is as PEFT happened to have it.
                        if (undetermined.TryGetValue(parameter, out var slice)) wanted.AsSpan()[slice].CopyTo(value.AsSpan()[slice]);
                        Near.All(wanted, value, Allowed($"after_{key}"), $"after_{key}.{parameter}");
                    }
        }
    }

    // Slices of parameters that the function does not depend on (fixtures/README.md).
    private static Dictionary<string, Range> Undetermined(JsonElement reference) => !reference.TryGetProperty("undetermined", out var slices) ? []
        : slices.EnumerateObject().ToDictionary(p => p.Name, p => p.Value[0].GetInt32()..p.Value[1].GetInt32());

    [Theory, MemberData(nameof(Cases))]
    public void Checkpointing_changes_no_gradient(string name)
    {
        var folder = Golden.At("models", "lora", name);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference.json")));
        var want = new GoldenTensors(Path.Combine(folder, "reference.safetensors"));
        using var scope = NewDisposeScope();
        using var model = Model(json.RootElement.GetProperty("base").GetString()!);
        using var adapter = AdapterInjector.Attach(model.Slots, AdapterConfig.Load(folder), model.Spec.ModelType);
        SetFrom(adapter, new GoldenTensors(Path.Combine(folder, "adapter_model.safetensors")));
        using var flat = new FlatParameters(adapter.Parameters);
        var batch = BatchOf(want.Longs("input_ids"), want.Longs("labels"), (int)want.Shape("input_ids")[0]);
        float[]? kept = null;
        for (var layers = 0; layers <= model.Spec.Layers; layers++)
        {
            flat.ZeroGradients();
            CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens, layers);
            kept ??= Floats(flat.Gradients);
            Assert.Contains(kept, g => g != 0);
            Assert.Equal(kept, Floats(flat.Gradients));
        }
    }

    private static void Merged(AttachedAdapter adapter, string path)
    {
        if (!File.Exists(path)) return;
        var want = new GoldenTensors(path);
        var names = want.Names.ToHashSet();
        foreach (var (name, value) in adapter.MergedTensors())
        {
            // fp32 sums of an r-long product: a few ulp of weights near 1.
            if (want.Has(name)) Near.All(want.Floats(name), Floats(value), 2e-6, $"merged {name}");
            names.Remove(name);
            value.Dispose();
        }
        Assert.Empty(names);
    }

    // Each tensor of the adapter file, with the elements of another flat buffer of the same layout in place of the values.
    internal static List<(string Key, float[] Elements)> Swapped(FlatParameters flat, AttachedAdapter adapter, Tensor buffer)
    {
        using var noGrad = no_grad();
        using var values = flat.Values.clone();
        flat.Values.copy_(buffer);
        var result = adapter.Values().Where(t => !t.IsBaseCopy).Select(t => (Prefix + t.Key, Floats(t.Value))).ToList();
        flat.Values.copy_(values);
        return result;
    }
}
