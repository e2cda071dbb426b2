using System.Text.Json;
using LowRank.Adapters;
using LowRank.Adapters.AdaLora;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>A run of AdaLoRA by PEFT 0.21: losses, budgets and masks of 60 steps, importance and scores at the kept ones, and the adapter that is saved, a module of rank 0 among them.</summary>
[Trait("Category", "Golden")]
public sealed class AdaLoraGoldenTests
{
    private const string Prefix = "base_model.model.";

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/adalora", Reference() is { } json ? [.. json.EnumerateArray().Select(c => c.GetProperty("id").GetString()!)] : []);

    private static JsonElement? Reference()
    {
        var path = Golden.At("numerics", "adapters", "adalora", "cases.json");
        return File.Exists(path) && Directory.Exists(Golden.At("numerics", "base_llama")) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases") : null;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var test = Reference()!.Value.EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var want = new GoldenTensors(Golden.At("numerics", "adapters", "adalora", "cases.safetensors"));
        int Number(string name) => test.GetProperty(name).GetInt32();
        using var scope = NewDisposeScope();
        using var model = QloraGoldenTests.Model(Golden.At("numerics", test.GetProperty("base").GetString()!));
        var config = new AdaLoraConfig
        {
            InitialRank = Number("init_r"), TargetRank = Number("target_r"), Alpha = Number("alpha"), InitialSteps = Number("tinit"), FinalSteps = Number("tfinal"), Interval = Number("deltaT"),
            Beta1 = test.GetProperty("beta1").GetDouble(), Beta2 = test.GetProperty("beta2").GetDouble(), OrthogonalWeight = test.GetProperty("orth_reg_weight").GetDouble(), TotalSteps = Number("steps"),
            TargetModules = ModulePattern.FromNames([.. test.GetProperty("targets").EnumerateArray().Select(t => t.GetString()!)]), BaseModel = "base_llama",
        };
        using var attached = AdapterInjector.Attach(model.Slots, config, model.Spec.ModelType);
        using (no_grad())
            foreach (var value in attached.Values()) value.Value.copy_(tensor(want.Floats($"init.{Prefix}{value.Key}")).view(value.Value.shape));
        using var flat = new FlatParameters(attached.Parameters);
        using var ranks = new RankAllocator(config, attached.AdaLoraModules, flat);
        Assert.Equal((Number("init_budget"), Number("target_budget")), (ranks.InitialBudget, ranks.TargetBudget));
        Assert.All(attached.AdaLoraModules, m => Assert.Equal(test.GetProperty("scaling").GetDouble() / (Number("ranknum") + 1e-5), m.Scaling, 1e-6));
        // As the run was made (generate/numerics.py): without decay.
        using var adam = new AdamW(flat, new AdamWSettings(WeightDecay: 0));
        foreach (var log in test.GetProperty("steps_log").EnumerateArray())
        {
            var step = log.GetProperty("step").GetInt32();
            var batch = Batch(want, step);
            var loss = CausalLoss.Backward(model, batch, 1.0 / batch.SupervisedTokens) / batch.SupervisedTokens;
            Near(log.GetProperty("task_loss").GetDouble(), loss, test);
            Near(log.GetProperty("orthogonality").GetDouble(), ranks.AddPenalty(), test);
            adam.Step(test.GetProperty("lr").GetDouble());
            var (budget, allocates) = ranks.Schedule(step);
            Assert.Equal((log.GetProperty("budget").GetInt32(), log.GetProperty("masked").GetBoolean()), (budget, allocates && step <= config.TotalSteps - config.FinalSteps));
            ranks.AfterStep(step);
            if (log.GetProperty("kept") is { ValueKind: JsonValueKind.Object } kept)
                foreach (var slot in model.Slots.OfType<LinearSlot>())
                    if (slot.Module is AdaptedLinear { Adapter: AdaLoraAdapter module }) Assert.Equal(kept.GetProperty($"{slot.Name}.lora_E").GetInt32(), module.Rank);
            flat.ZeroGradients();
        }
        KeptSteps(test, want, flat, ranks, attached, config);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Saves_and_loads_as_peft(string id)
    {
        var test = Reference()!.Value.EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var want = new GoldenTensors(Golden.At("numerics", "adapters", "adalora", "cases.safetensors"));
        using var scope = NewDisposeScope();
        using var model = QloraGoldenTests.Model(Golden.At("numerics", test.GetProperty("base").GetString()!));
        using var wanted = AdapterFolder.Open(Golden.At("numerics", "adapters", "adalora", test.GetProperty("final").GetString()!));
        using var loaded = AdapterInjector.Attach(model.Slots, wanted.Config, model.Spec.ModelType);
        loaded.Load(wanted);
        using (no_grad())
        using (var input = LowRank.Models.Decoder.DecoderInput.Padded(want.Longs("input_ids"), want.Shape("input_ids")[0], model.Device))
            QloraGoldenTests.Close(want.Floats("logits"), LoraGoldenTests.Floats(model.Logits(model.Hidden(input))), test, "tolerance", "logits of the saved adapter");
        using var temporary = new TemporaryFolder();
        loaded.Save(temporary.At("again"));
        Assert.Equal(File.ReadAllText(Path.Combine(wanted.Path, AdapterConfig.FileName)), File.ReadAllText(Path.Combine(temporary.At("again"), AdapterConfig.FileName)));
        using var again = AdapterFolder.Open(temporary.At("again"));
        foreach (var tensor in wanted.Weights.Tensors)
        {
            float[] expected = new float[tensor.Elements], got = new float[tensor.Elements];
            Assert.True(wanted.TryRead(tensor.Name, expected) && again.TryRead(tensor.Name, got), tensor.Name);
            Assert.Equal(expected, got);
        }
    }

    // Each kept step from its own tensors: parameters after the optimizer's step, gradients, and the averages before.
    private static void KeptSteps(JsonElement test, GoldenTensors want, FlatParameters flat, RankAllocator ranks, AttachedAdapter attached, AdaLoraConfig config)
    {
        foreach (var step in test.GetProperty("keep").EnumerateArray().Select(k => k.GetInt32()))
        {
            using var noGrad = no_grad();
            var log = test.GetProperty("steps_log").EnumerateArray().Single(l => l.GetProperty("step").GetInt32() == step);
            Set(want, step, "param", flat, flat.Values);
            Set(want, step, "grad", flat, flat.Gradients);
            Set(want, step, "ipt_before", flat, ranks.State["adalora_importance"]);
            Set(want, step, "unc_before", flat, ranks.State["adalora_uncertainty"]);
            ranks.AfterStep(step);
            Compare(want, step, "ipt_after", flat, ranks.State["adalora_importance"], test);
            Compare(want, step, "unc_after", flat, ranks.State["adalora_uncertainty"], test);
            Compare(want, step, "E_after", flat, flat.Values, test);
            foreach (var module in attached.AdaLoraModules)
                if ($"{step}.score.{Prefix}{module.E.Name}" is var name && want.Has(name)) QloraGoldenTests.Close(want.Floats(name), ranks.Scores(module), test, "update_tolerance", name);
            if (log.GetProperty("mask_threshold") is { ValueKind: JsonValueKind.Number } threshold)
                Assert.Equal(threshold.GetDouble(), ranks.LastThreshold!.Value, 1e-4 * threshold.GetDouble());
        }
    }

    private static void Set(GoldenTensors want, int step, string what, FlatParameters flat, Tensor buffer)
    {
        foreach (var (parameter, place) in flat.Parameters.Select((p, i) => (p, i)))
        {
            var name = $"{step}.{what}.{Prefix}{parameter.Name}";
            using var part = buffer.narrow(0, flat.Offsets[place], parameter.Count);
            // Before the first step the averages are zero.
            if (want.Has(name)) part.copy_(tensor(want.Floats(name)));
            else part.zero_();
        }
    }

    private static void Compare(GoldenTensors want, int step, string what, FlatParameters flat, Tensor buffer, JsonElement test)
    {
        foreach (var (parameter, place) in flat.Parameters.Select((p, i) => (p, i)))
        {
            var name = $"{step}.{what}.{Prefix}{parameter.Name}";
            if (!want.Has(name)) continue;
            using var part = buffer.narrow(0, flat.Offsets[place], parameter.Count);
            QloraGoldenTests.Close(want.Floats(name), LoraGoldenTests.Floats(part), test, "update_tolerance", name);
        }
    }

    private static void Near(double want, double got, JsonElement test)
    {
        var allowed = test.GetProperty("loss_tolerance");
        Assert.Equal(want, got, allowed.GetProperty("atol").GetDouble() + allowed.GetProperty("rtol").GetDouble() * Math.Abs(want));
    }

    private static LowRank.Training.Packing.Batch Batch(GoldenTensors want, int step)
    {
        var shape = want.Shape("batches");
        var size = (int)(shape[1] * shape[2]);
        var ids = want.Longs("batches")[(step * size)..((step + 1) * size)];
        return LoraGoldenTests.BatchOf(ids, ids, (int)shape[1]);
    }
}
