using LowRank.Adapters;
using LowRank.Optimizers;
using LowRank.Testing;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

[Collection(nameof(NativeTensors))]
public sealed class LoraInjectorTests
{
    private static readonly LoraConfig Config = new() { Rank = 2, Alpha = 6, TargetModules = ["first", "head"], Initialization = LoraInitialization.Random };

    [Fact]
    public void The_hook_adds_what_the_formula_says()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var x = Example();
        using var injector = LoraInjector.Attach(model, x, Config, seed: 3);
        Assert.Equal(["first.lora_A.weight", "first.lora_B.weight", "body.head.lora_A.weight", "body.head.lora_B.weight"], injector.TrainableParameters.Select(p => p.Name));
        var p = injector.TrainableParameters.ToDictionary(p => p.Name, p => p.Value);

        var hidden = (x.mm(model.first.weight.t()) + model.first.bias! + 3 * x.mm(p["first.lora_A.weight"].t()).mm(p["first.lora_B.weight"].t())).relu();
        hidden = hidden.mm(model.body.middle.weight.t());
        var want = hidden.mm(model.body.head.weight.t()) + model.body.head.bias! + 3 * hidden.mm(p["body.head.lora_A.weight"].t()).mm(p["body.head.lora_B.weight"].t());
        AssertClose(want, model.call(x), 1e-6); // a handful of fp32 products of order 1, summed in another order
    }

    [Fact]
    public void A_new_adapter_changes_nothing_and_draws_A_as_PEFT_does()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var x = Example();
        var before = model.call(x);
        using var injector = LoraInjector.Attach(model, x, Config with { Initialization = LoraInitialization.KaimingUniform }, seed: 3);
        AssertClose(before, model.call(x), 0);
        var a = injector.Parameters[0].data<float>().ToArray();
        Assert.All(a, v => Assert.InRange(v, -1 / MathF.Sqrt(5), 1 / MathF.Sqrt(5)));
        Assert.Equal(a.Length, a.Distinct().Count());
        Assert.All(injector.Parameters[1].data<float>().ToArray(), v => Assert.Equal(0, v));
    }

    [Fact]
    public void The_seed_decides_and_the_global_generator_is_not_used()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var x = Example();
        manual_seed(5);
        var want = rand(1).item<float>();
        manual_seed(5);
        float[] first, again, other;
        using (var injector = LoraInjector.Attach(model, x, Config, seed: 3)) first = injector.Parameters[0].data<float>().ToArray();
        using (var injector = LoraInjector.Attach(model, x, Config, seed: 3)) again = injector.Parameters[0].data<float>().ToArray();
        using (var injector = LoraInjector.Attach(model, x, Config, seed: 4)) other = injector.Parameters[0].data<float>().ToArray();
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.Equal(want, rand(1).item<float>());
    }

    [Fact]
    public void Gradients_flow_to_A_and_B_alone_and_an_optimizer_moves_them()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var x = Example();
        using var injector = LoraInjector.Attach(model, x, Config);
        using var optimizer = optim.SGD(injector.Parameters, 0.1);
        var before = injector.Parameters.Select(p => p.data<float>().ToArray()).ToArray();
        var loss = model.call(x).pow(2).mean();
        loss.backward();
        Assert.All(model.parameters(), p => Assert.Null(p.grad));
        Assert.All(injector.Parameters, p => Assert.True(p.grad!.abs().max().item<float>() > 0));
        optimizer.step();
        for (var i = 0; i < before.Length; i++) Assert.NotEqual(before[i], injector.Parameters[i].data<float>().ToArray());
        Assert.True(model.call(x).pow(2).mean().item<float>() < loss.item<float>());
    }

    [Fact]
    public void LowRanks_flat_optimizer_takes_the_parameters_too()
    {
        using var _ = NewDisposeScope();
        // With some weights no input passes the rectifier, and no gradient comes.
        manual_seed(1);
        using var model = new Mlp();
        var x = Example();
        using var injector = LoraInjector.Attach(model, x, Config);
        using var flat = new FlatParameters(injector.TrainableParameters);
        using var optimizer = new LowRank.Optimizers.AdamW(flat, new AdamWSettings());
        var before = model.call(x).pow(2).mean();
        before.backward();
        optimizer.Step(1e-2);
        var after = model.call(x).pow(2).mean();
        Assert.True(after.item<float>() < before.item<float>(), $"{before.item<float>():g9}, then {after.item<float>():g9}; gradient norm {flat.GradientNorm():g4}");
        Assert.Contains("lives in a flat buffer", Assert.Throws<InvalidOperationException>(() => injector.Parameters).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Detaching_gives_the_module_back()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        model.body.middle.weight.requires_grad_(false);
        model.body.eval();
        var x = Example();
        var before = model.call(x);
        var injector = LoraInjector.Attach(model, x, Config);
        Assert.True(model.training);
        Assert.False(model.body.training);
        Assert.All(model.parameters(), p => Assert.False(p.requires_grad));
        AssertDiffers(before, model.call(x));
        using (injector.Disable()) AssertClose(before, model.call(x), 0);
        AssertDiffers(before, model.call(x));
        injector.Dispose();
        AssertClose(before, model.call(x), 0);
        Assert.Equal([true, true, false, true, true], model.parameters().Select(p => p.requires_grad));
        Assert.Throws<ObjectDisposedException>(() => injector.Save("x"));
        Assert.Throws<ObjectDisposedException>(injector.Merge);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Merging_keeps_the_outputs(bool rslora)
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var x = Example();
        var injector = LoraInjector.Attach(model, x, Config with { UseRslora = rslora, LoraBias = true });
        using (no_grad())
            foreach (var bias in injector.TrainableParameters.Where(p => p.Name.EndsWith("bias", StringComparison.Ordinal))) bias.Value.fill_(0.25f);
        var adapted = model.call(x).detach();
        injector.Merge();
        Assert.Equal(["first.weight", "first.bias", "body.middle.weight", "body.head.weight", "body.head.bias"], model.named_parameters().Select(p => p.name));
        AssertClose(adapted, model.call(x), 2e-6); // (W + BA) x against W x + B A x in fp32
    }

    [Fact]
    public void A_layer_without_bias_cannot_take_up_the_bias_of_B()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        using var injector = LoraInjector.Attach(model, Example(), Config with { LoraBias = true, TargetModules = ["middle"] });
        Assert.Contains("have no bias", Assert.Single(injector.Selection.Warnings), StringComparison.Ordinal);
        Assert.Equal(["body.middle"], Assert.Throws<LoraInjectionException>(injector.Merge).Modules);
    }

    [Fact]
    public void Dropout_acts_in_training_mode_only()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var x = Example();
        using var injector = LoraInjector.Attach(model, x, Config with { Dropout = 0.5 });
        model.eval();
        AssertClose(model.call(x), model.call(x), 0);
        model.train();
        AssertDiffers(model.call(x), model.call(x));
    }

    [Fact]
    public void A_saved_adapter_gives_the_same_outputs()
    {
        using var _ = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = new Mlp();
        var x = Example();
        Tensor adapted;
        using (var injector = LoraInjector.Attach(model, x, Config with { TargetModules = ModulePattern.AllLinear, LoraBias = true, RankPattern = new() { ["middle"] = 3 } }))
        {
            adapted = model.call(x);
            injector.Save(folder.At("adapter"));
            Assert.Contains("exists already", Assert.ThrowsAny<LowRankException>(() => injector.Save(folder.At("adapter"))).Message, StringComparison.Ordinal);
        }
        using (LoraInjector.Load(model, x, folder.At("adapter"))) AssertClose(adapted, model.call(x), 0);
        using var adapter = AdapterFolder.Open(folder.At("adapter"));
        Assert.Equal(["first", "body.middle", "body.head"], adapter.Config.TargetModules!.Entries);
        Assert.True(adapter.Weights.TryGet("base_model.model.body.middle.lora_A.weight", out var a));
        Assert.Equal([3, 4], a.Shape);

        using var other = nn.Sequential(("first", nn.Linear(5, 4)));
        Assert.Contains("\"body.middle\" matches no module", Assert.Throws<LoraConfigException>(() => LoraInjector.Load(other, x, folder.At("adapter"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_other_shapes_is_refused_and_the_module_is_left_as_it_was()
    {
        using var _ = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var small = nn.Sequential(("fc", nn.Linear(5, 4)));
        using var large = nn.Sequential(("fc", nn.Linear(5, 7)));
        var config = new LoraConfig { TargetModules = ["fc"] };
        using (var injector = LoraInjector.Attach(small, Example(), config)) injector.Save(folder.At("a"));
        Assert.Contains("fc.lora_B.weight has shape [4, 8], the model needs [7, 8]", Assert.Throws<AdapterException>(() => LoraInjector.Load(large, Example(), folder.At("a"))).Message, StringComparison.Ordinal);
        Assert.All(large.parameters(), p => Assert.True(p.requires_grad));
    }

    [Fact]
    public void A_layer_that_is_called_by_forward_is_refused_by_name()
    {
        using var _ = NewDisposeScope();
        using var model = new ForwardCaller();
        var x = Example();
        var before = model.call(x);
        var error = Assert.Throws<LoraInjectionException>(() => LoraInjector.Attach(model, x, new LoraConfig { TargetModules = ModulePattern.AllLinear }));
        Assert.Equal(["direct"], error.Modules);
        Assert.Contains("Write layer.call(x) in place of layer.forward(x)", error.Message, StringComparison.Ordinal);
        AssertClose(before, model.call(x), 0);
        Assert.All(model.parameters(), p => Assert.True(p.requires_grad && p.grad is null));

        error = Assert.Throws<LoraInjectionException>(() => LoraInjector.Attach(model, x, new LoraConfig { TargetModules = ["unused"] }));
        Assert.Contains("does not reach unused", error.Message, StringComparison.Ordinal);
        using var fine = LoraInjector.Attach(model, x, new LoraConfig { TargetModules = ["called"] });
    }

    [Fact]
    public void What_does_not_work_on_a_TorchSharp_module_is_refused_by_name()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        var error = Assert.Throws<LoraConfigException>(() => LoraInjector.Attach(model, Example(), Config with { ModulesToSave = ["head"], Bias = BiasTraining.All }));
        Assert.Equal(2, error.Problems.Count);
        Assert.Contains("did you mean first", Assert.Throws<LoraConfigException>(() => LoraInjector.Attach(model, Example(), Config with { TargetModules = ["frist"] })).Message, StringComparison.Ordinal);
        Assert.Contains("body cannot be adapted", Assert.Throws<LoraConfigException>(() => LoraInjector.Attach(model, Example(), Config with { TargetModules = ["body"] })).Message, StringComparison.Ordinal);
        using var relu = nn.Sequential(("act", nn.ReLU()));
        Assert.Contains("has no Linear layers", Assert.Throws<LoraConfigException>(() => LoraInjector.Attach(relu, Example(), Config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_layer_that_stands_in_two_places_is_adapted_once()
    {
        using var _ = NewDisposeScope();
        var shared = nn.Linear(5, 5);
        using var model = nn.Sequential(("a", shared), ("b", shared));
        using var injector = LoraInjector.Attach(model, Example(), new LoraConfig { Rank = 2, Alpha = 2, TargetModules = ModulePattern.AllLinear, Initialization = LoraInitialization.Random });
        Assert.Equal(["a.lora_A.weight", "a.lora_B.weight"], injector.TrainableParameters.Select(p => p.Name));
        var x = Example();
        var effective = shared.weight + injector.Parameters[1].mm(injector.Parameters[0]);
        AssertClose((x.mm(effective.t()) + shared.bias!).mm(effective.t()) + shared.bias!, model.call(x), 2e-6); // fp32, another order of sums
    }

    [Fact]
    public void A_bf16_module_keeps_its_dtype_and_trains_fp32_matrices()
    {
        using var _ = NewDisposeScope();
        using var model = new Mlp();
        model.to(bfloat16);
        var x = Example().to(bfloat16);
        using var injector = LoraInjector.Attach(model, x, Config);
        var y = model.call(x);
        Assert.Equal(bfloat16, y.dtype);
        Assert.All(injector.Parameters, p => Assert.Equal(float32, p.dtype));
        y.sum().backward();
        Assert.All(injector.Parameters, p => Assert.NotNull(p.grad));
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        using var model = new Mlp();
        using var x = Example();
        var made = 0;
        void Use(bool merge)
        {
            using var folder = new TemporaryFolder();
            var injector = LoraInjector.Attach(model, x, Config with { Dropout = 0.1, LoraBias = true, Initialization = LoraInitialization.KaimingUniform });
            for (var i = 0; i < 3; i++)
            {
                using var step = NewDisposeScope();
                model.call(x).sum().backward();
                foreach (var p in injector.Parameters) { p.grad!.Dispose(); p.grad = null; }
            }
            injector.Save(folder.At("a"));
            if (merge) injector.Merge();
            injector.Dispose();
            using (var loaded = LoraInjector.Load(model, x, folder.At("a"))) made += 2 * loaded.Parameters.Count;
            Assert.Throws<LoraConfigException>(() => LoraInjector.Attach(model, x, Config with { TargetModules = ["none"] }));
        }
        Use(true);
        var countedTwice = CountedTwice();
        NativeTensors.Collect();
        var before = Tensor.TotalCount;
        made = 0;
        Use(false);
        Use(true);
        NativeTensors.Collect();
        Assert.Equal(before + made * countedTwice, Tensor.TotalCount);
    }

    /// <summary>TorchSharp 0.107 counts the tensor that a Parameter is made of without ever taking it off the count: how many that is for one.</summary>
    private static long CountedTwice()
    {
        var before = Tensor.TotalCount;
        new Parameter(zeros(1)).Dispose();
        return Tensor.TotalCount - before;
    }

    private static Tensor Example()
    {
        using var generator = new Generator(17, CPU);
        return rand([3, 5], generator: generator);
    }

    private static void AssertClose(Tensor want, Tensor got, double tolerance)
    {
        Assert.Equal(want.shape, got.shape);
        Assert.InRange((want - got).abs().max().item<float>(), 0, tolerance);
    }

    private static void AssertDiffers(Tensor one, Tensor other) => Assert.True((one - other).abs().max().item<float>() > 1e-3);

    /// <summary>first (with bias) → relu → body.middle (without) → body.head.</summary>
    private sealed class Mlp : nn.Module<Tensor, Tensor>
    {
        public readonly Linear first = nn.Linear(5, 4);
        public readonly Body body = new();

        public Mlp() : base(nameof(Mlp)) => RegisterComponents();

        public override Tensor forward(Tensor x) => body.call(first.call(x).relu());
    }

    private sealed class Body : nn.Module<Tensor, Tensor>
    {
        public readonly Linear middle = nn.Linear(4, 6, hasBias: false);
        public readonly Linear head = nn.Linear(6, 2);

        public Body() : base(nameof(Body)) => RegisterComponents();

        public override Tensor forward(Tensor x) => head.call(middle.call(x));
    }

    private sealed class ForwardCaller : nn.Module<Tensor, Tensor>
    {
        private readonly Linear called = nn.Linear(5, 5);
        private readonly Linear direct = nn.Linear(5, 5);
        private readonly Linear unused = nn.Linear(5, 5);

        public ForwardCaller() : base(nameof(ForwardCaller)) => RegisterComponents();

        public override Tensor forward(Tensor x) => direct.forward(called.call(x));
    }
}
