using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

/// <summary>Adapters whose scaling goes into their matrices: a program that knows nothing but alpha / r computes the same update.</summary>
public sealed class PortableAdapterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static readonly (string Module, int Rank, int Out, int In)[] Modules = [("a.q", 3, 6, 4), ("a.v", 2, 5, 4), ("b.q", 4, 6, 4)];

    [Theory, InlineData(false), InlineData(true)]
    public void The_updates_are_the_same_with_alpha_by_rank_alone(bool rslora)
    {
        var config = new LoraConfig
        {
            Rank = 3, Alpha = 5, UseRslora = rslora, TargetModules = ["q", "v"], LoraBias = true, ModulesToSave = ["norm"],
            RankPattern = new(StringComparer.Ordinal) { ["a.v"] = 2, ["b.q"] = 4 }, AlphaPattern = new(StringComparer.Ordinal) { ["a.v"] = 7 },
        };
        Write(config);
        var report = PortableAdapter.Write(folder.At("in"), folder.At("out"));
        Assert.Equal(new PortableReport(3, 4, 3, 2), report);
        using var result = AdapterFolder.Open(folder.At("out"));
        var written = Assert.IsType<LoraConfig>(result.Config);
        Assert.Equal((4, 4.0, false, 0, 0), (written.Rank, written.Alpha, written.UseRslora, written.RankPattern.Count, written.AlphaPattern.Count));
        Assert.Equal(["q", "v"], written.TargetModules!);
        using var source = AdapterFolder.Open(folder.At("in"));
        var matcher = new TargetMatcher(config);
        foreach (var (module, rank, rows, columns) in Modules)
        {
            var scaling = config.Scaling(rank, matcher.NumbersFor(module).Alpha);
            var (want, got) = (Product(source, module, rank, rows, columns), Product(result, module, 4, rows, columns));
            // B is rounded once more than the product of the scaling and B A.
            for (var i = 0; i < want.Length; i++) Assert.Equal(want[i] * scaling, got[i], 1e-6);
            var (bias, scaled) = (Read(source, $"{module}.lora_B.bias", rows), Read(result, $"{module}.lora_B.bias", rows));
            for (var i = 0; i < rows; i++) Assert.Equal(bias[i] * scaling, scaled[i], 1e-6);
        }
        Assert.Equal(Read(source, "norm.weight", 4), Read(result, "norm.weight", 4));
        Assert.Equal(source.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), result.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void One_that_is_so_already_keeps_its_values()
    {
        Write(new LoraConfig { Rank = 3, Alpha = 3, TargetModules = ["q", "v"], LoraBias = true, ModulesToSave = ["norm"], RankPattern = new(StringComparer.Ordinal) { ["a.v"] = 2, ["b.q"] = 4 }, AlphaPattern = new(StringComparer.Ordinal) { ["a.v"] = 2, ["b.q"] = 4 } });
        Assert.Equal(0, PortableAdapter.Write(folder.At("in"), folder.At("once")).Scaled);
        Assert.Equal(new PortableReport(3, 4, 0, 0), PortableAdapter.Write(folder.At("once"), folder.At("twice")));
        Assert.Equal(File.ReadAllBytes(folder.At("once/adapter_model.safetensors")), File.ReadAllBytes(folder.At("twice/adapter_model.safetensors")));
        Assert.Equal(File.ReadAllBytes(folder.At("once/adapter_config.json")), File.ReadAllBytes(folder.At("twice/adapter_config.json")));
    }

    [Fact]
    public void What_has_no_such_form_is_refused_with_the_reason()
    {
        Write(new MissConfig { Rank = 3, TargetModules = ["q"] }, "miss");
        Assert.Contains("peft_type is MISS", Assert.Throws<AdapterException>(() => PortableAdapter.Write(folder.At("miss"), folder.At("out"))).Message, StringComparison.Ordinal);
        Write(new LoraConfig { Rank = 3, TargetModules = ["q", "v"], Initialization = LoraInitialization.Pissa }, "pissa");
        Assert.Contains("init_lora_weights is \"pissa\"", Assert.Throws<AdapterException>(() => PortableAdapter.Write(folder.At("pissa"), folder.At("out"))).Message, StringComparison.Ordinal);
        Write(new LoraConfig { Rank = 3, TargetModules = ["q", "v"], EnsureWeightTying = true, AlphaPattern = new(StringComparer.Ordinal) { ["q"] = 2 } }, "tied");
        Assert.Contains("ensure_weight_tying together", Assert.Throws<AdapterException>(() => PortableAdapter.Write(folder.At("tied"), folder.At("out"))).Message, StringComparison.Ordinal);
        Write(new LoraConfig { Rank = 3, TargetModules = ["q"], TargetParameters = ["gate_up_proj"] }, "experts");
        Assert.Contains("target_parameters", Assert.Throws<AdapterException>(() => PortableAdapter.Write(folder.At("experts"), folder.At("out"))).Message, StringComparison.Ordinal);
        Write(new LoraConfig { Rank = 9, TargetModules = ["q", "v"] }, "other");
        Assert.Contains("has rank 3, adapter_config.json says 9", Assert.Throws<AdapterException>(() => PortableAdapter.Write(folder.At("other"), folder.At("out"))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("out")));
    }

    private void Write(AdapterConfig config, string name = "in")
    {
        var tensors = new List<(string, TensorType, long[])> { ("norm.weight", TensorType.F32, [4]) };
        foreach (var (module, rank, rows, columns) in Modules)
            tensors.AddRange([($"{module}.lora_A.weight", TensorType.F32, [rank, columns]), ($"{module}.lora_B.weight", TensorType.F32, [rows, rank]), ($"{module}.lora_B.bias", TensorType.F32, [rows])]);
        using var writer = AdapterFolder.Create(folder.At(name), config, tensors);
        foreach (var (tensor, _, shape) in tensors) writer.Write(tensor, [.. Enumerable.Range(1, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => MathF.Sin(i * tensor.Length))]);
        writer.Commit();
    }

    private static float[] Read(AdapterFolder from, string name, int elements)
    {
        var values = new float[elements];
        Assert.True(from.TryRead(AdapterKeys.ToKey(name), values), name);
        return values;
    }

    private static double[] Product(AdapterFolder from, string module, int rank, int rows, int columns)
    {
        float[] a = Read(from, $"{module}.lora_A.weight", rank * columns), b = Read(from, $"{module}.lora_B.weight", rows * rank);
        return [.. Enumerable.Range(0, rows * columns).Select(i => Enumerable.Range(0, rank).Sum(r => (double)b[i / columns * rank + r] * a[r * columns + i % columns]))];
    }
}
