using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Adapters;

/// <summary>Adapters combined as PEFT 0.21.2's <c>add_weighted_adapter</c> does: numerics/adapters/weighted. What is compared, and how closely, is in cases.json.</summary>
[Trait("Category", "Golden")]
public sealed class CombineGoldenTests
{
    private static readonly Lazy<JsonElement?> document = new(() => File.Exists(At("cases.json")) ? JsonDocument.Parse(File.ReadAllBytes(At("cases.json"))).RootElement : null);

    private static readonly Lazy<GoldenTensors> tensors = new(() => new GoldenTensors(At("cases.safetensors")));

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/weighted", document.Value?.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!) ?? []);

    [Theory, MemberData(nameof(Cases))]
    public void Equals_peft(string id)
    {
        var root = document.Value!.Value;
        var test = root.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        string[] layers = [.. root.GetProperty("layers").EnumerateArray().Select(l => l.GetString()!)];
        using var folder = new TemporaryFolder();
        var weights = test.GetProperty("weights").EnumerateArray().Select(w => w.GetDouble()).ToList();
        var adapters = test.GetProperty("adapters").EnumerateArray().Select((a, i) => new WeightedAdapter(a.GetString()!, Write(folder, root, layers, a.GetString()!), weights[i])).ToList();
        var options = new CombineOptions
        {
            Method = Enum.GetValues<CombinationMethod>().Single(m => CombineOptions.NameOf(m) == test.GetProperty("combination_type").GetString()),
            Rank = test.TryGetProperty("svd_rank", out var rank) ? rank.GetInt32() : null,
            Density = test.TryGetProperty("density", out var density) ? density.GetDouble() : null,
            MajoritySign = test.TryGetProperty("majority_sign_method", out var sign) && sign.GetString() == "frequency" ? MajoritySign.Frequency : MajoritySign.Total,
        };
        AdapterCombiner.Combine(adapters, folder.At("out"), options, (adapter, module, side, shape, _) =>
        {
            var name = $"{id}.mask.{module}.{side}.{adapter}";
            Assert.Equal(shape, tensors.Value.Shape(name));
            return tensor(Array.ConvertAll(tensors.Value.Longs(name), k => (float)k)).reshape(shape);
        });

        using var result = AdapterFolder.Open(folder.At("out"));
        var config = (LoraConfig)result.Config;
        Assert.Equal((test.GetProperty("r").GetInt32(), test.GetProperty("r").GetDouble(), false), (config.Rank, config.Alpha, config.UseRslora));
        Assert.Equal((0, 0), (config.RankPattern.Count, config.AlphaPattern.Count));
        Assert.Equal(layers, config.TargetModules!.Entries);
        foreach (var layer in layers)
        {
            var (a, b) = (Read(result, $"{layer}.lora_A.weight"), Read(result, $"{layer}.lora_B.weight"));
            foreach (var what in test.GetProperty("compare").EnumerateArray().Select(c => c.GetString()!))
            {
                var want = tensors.Value.Floats($"{id}.{layer}.{what}");
                var got = what switch { "A" => a.Values, "B" => b.Values, _ => Product(b, a) };
                var tolerance = test.GetProperty(what == "delta" ? "delta_tolerance" : "tolerance");
                var (absolute, relative) = (tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
                Assert.Equal(want.Length, got.Length);
                for (var i = 0; i < want.Length; i++)
                    Assert.True(Math.Abs(got[i] - want[i]) <= absolute + relative * Math.Abs(want[i]), $"{layer}.{what}: element {i} is {got[i]:g9}, want {want[i]:g9}");
            }
        }
    }

    private static string Write(TemporaryFolder folder, JsonElement root, string[] layers, string name)
    {
        var numbers = root.GetProperty("adapters").GetProperty(name);
        var config = new LoraConfig { Rank = numbers.GetProperty("r").GetInt32(), Alpha = numbers.GetProperty("lora_alpha").GetDouble(), UseRslora = numbers.GetProperty("use_rslora").GetBoolean(), TargetModules = ModulePattern.FromNames(layers) };
        var parts = layers.SelectMany(l => new[] { (Name: $"{l}.lora_A.weight", From: $"{name}.{l}.A"), (Name: $"{l}.lora_B.weight", From: $"{name}.{l}.B") }).ToList();
        using var writer = AdapterFolder.Create(folder.At(name), config, [.. parts.Select(p => (p.Name, TensorType.F32, tensors.Value.Shape(p.From)))]);
        foreach (var (to, from) in parts) writer.Write(to, tensors.Value.Floats(from));
        writer.Commit();
        return folder.At(name);
    }

    private static (float[] Values, long[] Shape) Read(AdapterFolder folder, string name)
    {
        Assert.True(folder.Weights.TryGet(AdapterKeys.ToKey(name), out var info), name);
        var values = new float[info.Elements];
        Assert.True(folder.TryRead(info.Name, values));
        return (values, info.Shape);
    }

    private static float[] Product((float[] Values, long[] Shape) b, (float[] Values, long[] Shape) a)
    {
        using var scope = NewDisposeScope();
        return tensor(b.Values).reshape(b.Shape).mm(tensor(a.Values).reshape(a.Shape)).data<float>().ToArray();
    }

    private static string At(string file) => Golden.At("numerics", "adapters", "weighted", file);
}
