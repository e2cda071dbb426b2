using System.Text.Json;
using LowRank.Adapters;
using LowRank.Adapters.Initialization.Eva;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

/// <summary>EVA's directions and ranks of a small net, as PEFT's <c>initialize_lora_eva_weights</c> finds them.</summary>
[Trait("Category", "Golden")]
public sealed class EvaGoldenTests
{
    private static readonly string Folder = Golden.At("numerics", "adapters", "eva");

    private static readonly JsonElement[] Reference = File.Exists(Path.Combine(Folder, "cases.json")) ? [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "cases.json"))).RootElement.GetProperty("cases").EnumerateArray()] : [];

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/eva", Reference.Select(c => c.GetProperty("id").GetString()!));

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var test = Reference.Single(c => c.GetProperty("id").GetString() == id);
        var want = new GoldenTensors(Path.Combine(Folder, "cases.safetensors"));
        var layers = test.GetProperty("layers");
        using var scope = NewDisposeScope();
        Tensor Read(string name) => tensor(want.Floats(name)).view(want.Shape(name));
        var names = layers.EnumerateObject().Select(l => l.Name).ToArray();
        var slots = names.Select(n => new LinearSlot(n, new FrozenLinear(new DenseWeight(Read($"model.{n}.weight")), Read($"model.{n}.bias")))).ToDictionary(s => s.Name);
        var config = new LoraConfig
        {
            Rank = test.GetProperty("r").GetInt32(), Alpha = test.GetProperty("lora_alpha").GetDouble(), TargetModules = ModulePattern.FromNames(names),
            Initialization = LoraInitialization.Eva, Eva = new EvaConfig { Rho = test.GetProperty("rho").GetDouble() },
        };
        var x = Read("x");
        float[] output = [];
        void Pass()
        {
            using var noGrad = no_grad();
            using var inner = NewDisposeScope();
            output = slots["d"].Forward(slots["a"].Forward(x).tanh() * slots["b"].Forward(x)).data<float>().ToArray();
        }

        using var search = new EvaSearch([.. slots.Values], config, null);
        for (var i = 0; i < 10 && search.Searching > 0; i++) search.Look(arange(x.shape[0], ScalarType.Int64), Pass);
        Assert.Equal(0, search.Searching);
        // Being looked at changes nothing.
        Near.All(want.Floats("y_base"), output, 1e-4, "the net's output");
        var (found, directions) = search.Result();

        Assert.Equal(test.GetProperty("target_modules").EnumerateArray().Select(t => t.GetString()), found.TargetModules!);
        Assert.Equal(test.GetProperty("rank_pattern").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt32()), found.RankPattern.ToDictionary());
        Assert.Equal(test.GetProperty("alpha_pattern").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble()), found.AlphaPattern.ToDictionary());
        var tolerance = test.GetProperty("tolerance").GetProperty("atol").GetDouble();
        foreach (var name in names.Where(n => layers.GetProperty(n).GetProperty("r").GetInt32() > 0))
        {
            var a = directions[name];
            Assert.Equal(layers.GetProperty(name).GetProperty("r").GetInt32(), a.shape[0]);
            Near.All(want.Floats($"{name}.projector"), a.t().mm(a).contiguous().data<float>().ToArray(), tolerance, $"directions of {name}");
        }
        foreach (var a in directions.Values) a.Dispose();
        search.Dispose();
        Assert.All(slots.Values, s => Assert.IsType<FrozenLinear>(s.Module));
        foreach (var slot in slots.Values) slot.Dispose();
    }
}
