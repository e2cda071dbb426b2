using System.Text.Json;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Optimizers;

/// <summary>Adam and AdamW with 8- and 32-bit state (fixtures/numerics/optim8): parameters and states after kept steps.</summary>
[Trait("Category", "Golden")]
public sealed class Optim8GoldenTests
{
    private static readonly JsonElement Root = File.Exists(Golden.At("numerics", "optim8", "cases.json"))
        ? JsonDocument.Parse(File.ReadAllBytes(Golden.At("numerics", "optim8", "cases.json"))).RootElement : default;

    public static IEnumerable<TheoryDataRow<string>> All => Golden.Cases("numerics/optim8", Ids(_ => true), Skip);

    public static IEnumerable<TheoryDataRow<string>> OneStep => Golden.Cases("numerics/optim8/one_step", Ids(c => c.TryGetProperty("max_codes_off_one_step", out _) && Consecutive(c) is not null), Skip);

    private static IEnumerable<string> Ids(Func<JsonElement, bool> where) =>
        Root.ValueKind == JsonValueKind.Undefined ? [] : Root.GetProperty("cases").EnumerateArray().Where(where).Select(c => c.GetProperty("id").GetString()!);

    private static string? Skip(string id) => id.Contains("adam", StringComparison.Ordinal) ? null : $"{id}: only Adam and AdamW are optimizers of LowRank";

    private static JsonElement Case(string id) => Root.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);

    private static int[] Kept(JsonElement of) => [.. of.GetProperty("steps_kept").EnumerateArray().Select(n => n.GetInt32())];

    private static int? Consecutive(JsonElement of) => Kept(of).Where(k => Kept(of).Contains(k + 1)).Cast<int?>().FirstOrDefault();

    [Theory, MemberData(nameof(All))]
    public void A_run_gives_the_parameters(string id)
    {
        var of = Case(id);
        var file = new GoldenTensors(Golden.At("numerics", "optim8", "cases.safetensors"));
        using var scope = NewDisposeScope();
        using var flat = Parameters(file);
        using var adam = Optimizer(of, flat);
        var (steps, kept) = ((int)file.Shape("grads")[0], Kept(of));
        for (var step = 1; step <= steps; step++)
        {
            SetGradients(flat, file, step);
            adam.Step(of.GetProperty("lr").GetDouble());
            if (!kept.Contains(step)) continue;
            var share = of.TryGetProperty("max_elements_off", out var most) ? most.GetDouble() : 0;
            Compare(of, file.Floats($"{id}.{step}.param"), Floats(flat.Parameters[0].Value), share, $"{id}.{step}.param");
            if (file.Has($"{id}.{step}.param_small")) Compare(of, file.Floats($"{id}.{step}.param_small"), Floats(flat.Parameters[1].Value), 0, $"{id}.{step}.param_small");
        }
    }

    [Theory, MemberData(nameof(OneStep))]
    public void One_step_from_a_kept_state_gives_its_codes(string id)
    {
        var of = Case(id);
        var file = new GoldenTensors(Golden.At("numerics", "optim8", "cases.safetensors"));
        var before = Consecutive(of)!.Value;
        using var scope = NewDisposeScope();
        using var flat = Parameters(file, $"{id}.{before}.param");
        using var adam = Optimizer(of, flat);
        adam.Restore(before, name => file.Has($"{id}.{before}.{name}") ? Padded(file, $"{id}.{before}.{name}", adam.State[name]) : zeros_like(adam.State[name]));
        SetGradients(flat, file, before + 1);
        adam.Step(of.GetProperty("lr").GetDouble());
        var most = of.GetProperty("max_codes_off_one_step").GetDouble();
        foreach (var name in new[] { "state1", "state2" })
        {
            var (want, got) = (file.Longs($"{id}.{before + 1}.{name}"), adam.State[name].to(ScalarType.Int64).data<long>().ToArray());
            var differ = want.Where((w, i) => w != got[i]).Count();
            Assert.True(differ <= most * want.Length, $"{name}: {differ} of {want.Length} codes differ");
            Assert.All(want.Select((w, i) => Math.Abs(w - got[i])), d => Assert.True(d <= 1));
        }
        foreach (var name in new[] { "absmax1", "absmax2" })
        {
            var want = file.Floats($"{id}.{before + 1}.{name}");
            Near.All(want, Floats(adam.State[name]).AsSpan(0, want.Length), 1e-6 * want.Max(), name);
        }
        Compare(of, file.Floats($"{id}.{before + 1}.param"), Floats(flat.Parameters[0].Value), most, "param");
    }

    private static void Compare(JsonElement of, float[] want, float[] got, double share, string what)
    {
        var tolerance = of.GetProperty("tolerance");
        var (absolute, relative) = (tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
        Assert.Equal(want.Length, got.Length);
        var off = want.Where((w, i) => !(Math.Abs(w - got[i]) <= absolute + relative * Math.Abs(w))).Count();
        Assert.True(off <= share * want.Length, $"{what}: {off} of {want.Length} elements are off; largest difference {Near.Largest(want, got).Difference:g4}");
    }

    private static FlatParameters Parameters(GoldenTensors file, string param = "param")
    {
        TrainableParameter Make(string name) => new(name, tensor(file.Floats(name)).view(file.Shape(name)));
        return new FlatParameters([Make(param), Make("param_small")]);
    }

    private static AdamW Optimizer(JsonElement of, FlatParameters flat)
    {
        Assert.Equal((256, 4096), (Root.GetProperty("blocksize").GetInt32(), Root.GetProperty("min_8bit_size").GetInt32()));
        var betas = of.GetProperty("betas");
        return new AdamW(flat, new AdamWSettings(betas[0].GetDouble(), betas[1].GetDouble(), of.GetProperty("eps").GetDouble(), of.GetProperty("weight_decay").GetDouble())
        {
            Kind = of.GetProperty("state").GetString() == "8bit" ? OptimizerKind.AdamW8Bit : OptimizerKind.AdamW,
        });
    }

    private static void SetGradients(FlatParameters flat, GoldenTensors file, int step)
    {
        using var noGrad = no_grad();
        foreach (var (index, name) in new[] { (0, "grads"), (1, "grads_small") })
        {
            var count = (int)file.Shape(name)[1];
            flat.GradientOf(index).copy_(tensor(file.Floats(name).AsSpan((step - 1) * count, count).ToArray()).view(flat.Parameters[index].Shape));
        }
    }

    private static Tensor Padded(GoldenTensors file, string name, Tensor like)
    {
        var values = like.dtype == ScalarType.Float32 ? tensor(file.Floats(name)) : tensor(file.Longs(name)).to(ScalarType.Byte);
        var whole = zeros_like(like);
        whole.narrow(0, 0, values.NumberOfElements).copy_(values.view(-1));
        return whole;
    }

    private static float[] Floats(Tensor t) => t.detach().contiguous().data<float>().ToArray();
}
