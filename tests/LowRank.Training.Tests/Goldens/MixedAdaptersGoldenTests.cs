using System.Text.Json;
using LowRank.Adapters;
using LowRank.Adapters.Many;
using LowRank.Layers;
using LowRank.Models.Decoder;
using LowRank.Models.Generation;
using LowRank.Optimizers;
using LowRank.Testing;
using LowRank.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Tests.Goldens;

/// <summary>Many adapters over one base: a batch whose rows use different ones, as PEFT 0.21 computes it, and what a row gets against the same adapter alone.</summary>
public sealed class MixedAdaptersGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/mixed", Reference() is { } json ? [.. json.EnumerateArray().Select(c => c.GetProperty("id").GetString()!)] : []);

    private static JsonElement? Reference()
    {
        var path = Golden.At("numerics", "adapters", "mixed", "cases.json");
        return File.Exists(path) && Directory.Exists(Golden.At("numerics", "base_llama")) ? JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("cases") : null;
    }

    [Theory, MemberData(nameof(Cases)), Trait("Category", "Golden")]
    public void Equals_peft(string id)
    {
        var test = Reference()!.Value.EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var want = new GoldenTensors(Golden.At("numerics", "adapters", "mixed", "cases.safetensors"));
        using var scope = NewDisposeScope();
        using var model = QloraGoldenTests.Model(Golden.At("numerics", test.GetProperty("base").GetString()!));
        using var many = Collection(model);
        foreach (var adapter in test.GetProperty("adapters").EnumerateObject()) many.Add(adapter.Name, Golden.At("numerics", "adapters", "mixed", adapter.Value.GetString()!));
        string?[] rows = [.. test.GetProperty("rows").EnumerateArray().Select(r => r.GetString() is "__base__" ? null : r.GetString())];
        using var noGrad = no_grad();
        var ids = want.Longs(test.GetProperty("input").GetString()!);
        float[] Logits()
        {
            using var input = DecoderInput.Padded(ids, rows.Length, model.Device);
            return LoraGoldenTests.Floats(model.Logits(model.Hidden(input)));
        }

        var plain = Logits();
        many.UseRows(rows);
        var mixed = Logits();
        QloraGoldenTests.Close(want.Floats(test.GetProperty("want").GetString()!), mixed, test, "tolerance", "logits");
        // Each row as with its adapter chosen for all of them.
        var size = mixed.Length / rows.Length;
        foreach (var name in rows.Distinct())
        {
            many.Use(name is null ? [] : [name]);
            var alone = Logits();
            for (var row = 0; row < rows.Length; row++)
                if (rows[row] == name) QloraGoldenTests.Close(alone[(row * size)..((row + 1) * size)], mixed[(row * size)..((row + 1) * size)], test, "tolerance", $"row {row}");
        }
        many.Use();
        Assert.Equal(plain, Logits());
    }

    // Over the tiny base of the fixtures, or with none of them over one of the models.
    private static CausalLM? Base() => Directory.Exists(Golden.At("models", "llama-gqa")) ? LoraGoldenTests.Model("llama-gqa") : null;

    private static AdapterCollection Collection(CausalLM model)
    {
        var many = new AdapterCollection(model.Slots, model.Spec.ModelType);
        (model.PassBegins, model.RowsDiffer) = (many.BeginPass, () => many.RowsDiffer);
        return many;
    }

    private static readonly AdapterConfig[] Kinds =
    [
        new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ["q_proj", "down_proj"], Initialization = LoraInitialization.Random },
        new LoraConfig { Rank = 2, UseDora = true, TargetModules = ["v_proj", "up_proj"], Initialization = LoraInitialization.Random },
        new MissConfig { Rank = 8, StartsFromZero = false, TargetModules = ["q_proj", "gate_proj"] },
        new Ia3Config { StartsFromOne = false, TargetModules = ["k_proj", "down_proj"], FeedForwardModules = ["down_proj"] },
    ];

    [Fact]
    public void Every_kind_gives_its_rows_what_it_gives_alone_and_learns_as_it_does_alone()
    {
        using var model = Base();
        Assert.SkipWhen(model is null, $"absent: {Golden.Root} has no models/llama-gqa");
        using var scope = NewDisposeScope();
        const int Length = 12;
        var random = new Random(5);
        var vocabulary = (int)model!.Spec.VocabularySize;
        long[] ids = [.. Enumerable.Range(0, Kinds.Length * Length).Select(_ => (long)random.Next(vocabulary))];
        var alone = Kinds.Select((config, row) =>
        {
            using var attached = AdapterInjector.Attach(model.Slots, config, model.Spec.ModelType, seed: row);
            using var flat = new FlatParameters(attached.Parameters);
            var batch = LoraGoldenTests.BatchOf(ids[(row * Length)..((row + 1) * Length)], ids[(row * Length)..((row + 1) * Length)], 1);
            var loss = CausalLoss.Backward(model, batch, 1);
            return (Loss: loss, Gradients: flat.Parameters.Select((p, i) => (p.Name, Values: LoraGoldenTests.Floats(flat.GradientOf(i)))).ToDictionary(g => g.Name, g => g.Values));
        }).ToArray();

        using var many = Collection(model);
        var parameters = Kinds.Select((config, row) => many.Add($"kind {row}", config, seed: row)).ToArray();
        using var together = new FlatParameters([.. parameters.SelectMany(p => p)]);
        many.UseRows([.. Kinds.Select((_, row) => $"kind {row}")]);
        var total = CausalLoss.Backward(model, LoraGoldenTests.BatchOf(ids, ids, Kinds.Length), 1);
        // Sums of a few thousand products in another order: one part in 10^5 of the largest gradient of a parameter.
        Assert.Equal(alone.Sum(a => a.Loss), total, 1e-3);
        var place = 0;
        for (var row = 0; row < Kinds.Length; row++)
            foreach (var parameter in parameters[row])
            {
                var expected = alone[row].Gradients[parameter.Name];
                Assert.Contains(expected, g => g != 0);
                Near.All(expected, LoraGoldenTests.Floats(together.GradientOf(place++)), 1e-5 * expected.Max(Math.Abs) + 1e-7, $"{Kinds[row].Kind}: {parameter.Name}");
            }
    }

    [Fact]
    public void Rows_that_begin_alike_go_on_with_their_own_adapters()
    {
        using var model = Base();
        Assert.SkipWhen(model is null, $"absent: {Golden.Root} has no models/llama-gqa");
        using var many = Collection(model!);
        many.Add("four", Kinds[0], seed: 1);
        many.Add("two", new LoraConfig { Rank = 2, Alpha = 6, TargetModules = ["q_proj", "o_proj", "gate_proj"], Initialization = LoraInitialization.Random }, seed: 2);
        many.Add("dora", Kinds[1], seed: 3);
        int[] prompt = [.. Enumerable.Range(3, 14)];
        int[][] prompts = [prompt, [.. prompt, 40], [.. prompt, 41], prompt];
        // A token at a time without tensors in between where all updates are plain, and by the decoder's own operations where one is not.
        foreach (var (rows, isPlain) in new (string?[] Rows, bool IsPlain)[] { (["two", "four", null, "four"], true), (["dora", "four", null, "two"], false) })
        {
            many.UseRows(rows);
            var mixed = Generated(prompts, rows: 4);
            using (no_grad())
            using (var one = OneTokenDecoder.Of(model!))
                Assert.Equal(isPlain ? 4 : null, one?.Rows);
            for (var row = 0; row < rows.Length; row++)
            {
                many.Use(rows[row] is { } name ? [name] : []);
                var alone = Generated([prompts[row]], rows: 1);
                // The same sums in another order: a few units in the last place of logits of some ones.
                for (var pass = 0; pass < alone.Length; pass++) Near.All(alone[pass], mixed[pass * 4 + row], 2e-5, $"row {row} ({rows[row] ?? "base"}), pass {pass}");
            }
        }
        many.UseRows(["two", "four"]);
        Assert.Contains("has 4 rows, but adapters were chosen for 2", Assert.Throws<LowRankException>(() => Generated(prompts, rows: 4)).Message, StringComparison.Ordinal);

        // The logits after the prompts and after each of three more tokens, row by row.
        float[][] Generated(int[][] prompts, int rows)
        {
            var logits = new List<float[]>();
            using var batch = DecodingBatch.Prefill(model!, prompts, 3);
            for (var token = 0; ; token++)
            {
                for (var row = 0; row < rows; row++) logits.Add(batch.Logits(row).ToArray());
                if (token == 3) return [.. logits];
                batch.Append([.. Enumerable.Range(0, rows).Select(_ => (ReadOnlyMemory<int>)new[] { 50 + token })]);
            }
        }
    }

    [Fact]
    public void Adapters_are_stacked_switched_and_removed_between_passes()
    {
        using var model = Base();
        Assert.SkipWhen(model is null, $"absent: {Golden.Root} has no models/llama-gqa");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var input = DecoderInput.Padded([5, 6, 7, 8, 9, 10], 1, model!.Device);
        float[] Logits() => LoraGoldenTests.Floats(model.Logits(model.Hidden(input)));
        var plain = Logits();
        using (var many = Collection(model))
        {
            foreach (var (config, i) in Kinds.Select((c, i) => (c, i))) many.Add($"kind {i}", config, seed: i);
            Assert.Equal(["kind 0", "kind 1", "kind 2", "kind 3"], many.Names);
            Assert.Equal(plain, Logits());
            many.Use("kind 0", "kind 2");
            var stacked = Logits();
            many.Use("kind 2", "kind 0");
            // Two additions in another order.
            Near.All(stacked, Logits(), 1e-5, "stacked the other way round");
            many.Use("kind 0");
            Assert.NotEqual(stacked, Logits());
            Assert.Contains("is chosen", Assert.Throws<ArgumentException>(() => many.Remove("kind 0")).Message, StringComparison.Ordinal);
            Assert.Contains("There is an adapter called kind 0", Assert.Throws<ArgumentException>(() => many.Add("kind 0", Kinds[0])).Message, StringComparison.Ordinal);
            Assert.Contains("no adapter called nobody; there are kind 0, kind 1", Assert.Throws<ArgumentException>(() => many.Use("nobody")).Message, StringComparison.Ordinal);
            Assert.Contains("modules_to_save", Assert.Throws<LoraConfigException>(() => many.Add("whole", new LoraConfig { TargetModules = ["q_proj"], ModulesToSave = ["norm"] })).Message, StringComparison.Ordinal);
            var bytes = many.Bytes;
            many.Remove("kind 2");
            Assert.True(many.Bytes < bytes);
            many.Use();
            Assert.Equal(plain, Logits());
            many.UseRows(["kind 0", null]);
            Assert.Contains("has 1 rows, but adapters were chosen for 2", Assert.Throws<LowRankException>(() => Logits()).Message, StringComparison.Ordinal);
        }
        Assert.Equal(plain, Logits());
        Assert.All(model.Slots.OfType<LinearSlot>(), s => Assert.IsType<FrozenLinear>(s.Module));
    }
}
