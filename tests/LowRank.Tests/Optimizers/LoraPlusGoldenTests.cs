using System.Text.Json;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Optimizers;

/// <summary>LoRA+ as PEFT has it (fixtures/numerics/adapters/optimizers): what goes into which group, and a small net step by step.</summary>
[Trait("Category", "Golden")]
public sealed class LoraPlusGoldenTests
{
    private static readonly string Folder = Golden.At("numerics", "adapters", "optimizers");

    private static readonly JsonElement Root = File.Exists(Path.Combine(Folder, "cases.json")) ? JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "cases.json"))).RootElement : default;

    public static IEnumerable<TheoryDataRow<string>> Groups => Golden.Cases("numerics/adapters/optimizers/groups", Root.ValueKind == JsonValueKind.Undefined ? [] : ["loraplus_groups"]);

    public static IEnumerable<TheoryDataRow<string>> Steps => Golden.Cases("numerics/adapters/optimizers",
        Root.ValueKind == JsonValueKind.Undefined ? [] : Root.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!).Where(id => id.StartsWith("loraplus", StringComparison.Ordinal)));

    [Theory, MemberData(nameof(Groups))]
    public void Parameters_go_into_the_groups_of_peft(string name)
    {
        var of = Root.GetProperty(name);
        var groups = of.GetProperty("groups").EnumerateArray().ToArray();
        using var scope = NewDisposeScope();
        // Shapes are not told: norms and biases are vectors.
        var parameters = groups.SelectMany(g => g.GetProperty("parameters").EnumerateArray().Select(p => p.GetString()!))
            .Select(p => new TrainableParameter(p, p.Contains("norm", StringComparison.Ordinal) || p.EndsWith("bias", StringComparison.Ordinal) ? zeros(8) : zeros(8, 4))).ToArray();
        var (rate, decay) = (of.GetProperty("lr").GetDouble(), of.GetProperty("weight_decay").GetDouble());
        var got = new LoraPlus(of.GetProperty("ratio").GetDouble(), of.GetProperty("embedding_lr").GetDouble()).Groups(parameters, rate, decay);
        Assert.Equal(groups.Length, got.Count);
        for (var i = 0; i < groups.Length; i++)
        {
            Assert.Equal(groups[i].GetProperty("parameters").EnumerateArray().Select(p => p.GetString()), got[i].Parameters.Select(p => parameters[p].Name));
            Assert.Equal(groups[i].GetProperty("lr").GetDouble(), rate * got[i].LearningRateFactor, 1e-12);
            Assert.Equal(groups[i].GetProperty("weight_decay").GetDouble(), got[i].WeightDecay);
        }
    }

    [Theory, MemberData(nameof(Steps))]
    public void A_small_net_takes_the_steps_of_peft(string id)
    {
        var of = Root.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var file = new GoldenTensors(Path.Combine(Folder, "cases.safetensors"));
        var losses = of.GetProperty("losses").EnumerateArray().Select(n => n.GetDouble()).ToArray();
        // The case's weight_decay went to PEFT as that of torch's optimizer, which LoRA+ overrides by its own loraplus_weight_decay of 0.
        var (rate, scaling) = (of.GetProperty("lr").GetDouble(), Root.GetProperty("scaling").GetDouble());
        var (absolute, relative) = (of.GetProperty("tolerance").GetProperty("atol").GetDouble(), of.GetProperty("tolerance").GetProperty("rtol").GetDouble());
        using var scope = NewDisposeScope();
        Tensor Read(string name) => tensor(file.Floats(name)).view(file.Shape(name));
        string[] factors = [.. new[] { "l0", "l1" }.SelectMany(l => new[] { $"{l}.lora_A", $"{l}.lora_B" })];
        var parameters = factors.Select(f => new TrainableParameter(f + ".weight", Read("init." + f))).ToArray();
        using var flat = new FlatParameters(parameters);
        // The case does not repeat the ratio: it is that of the groups above.
        var plus = new LoraPlus(Root.GetProperty("loraplus_groups").GetProperty("ratio").GetDouble());
        using var adam = new AdamW(flat, new AdamWSettings(), plus.Groups(parameters, rate, weightDecay: 0));
        Tensor Layer(int layer, Tensor x) => nn.functional.linear(x, Read($"net.l{layer}.weight"), Read($"net.l{layer}.bias"))
            + nn.functional.linear(nn.functional.linear(x, parameters[2 * layer].Value), parameters[2 * layer + 1].Value) * scaling;
        for (var step = 0; step < losses.Length; step++)
        {
            var loss = (Layer(1, Layer(0, Read("x")).tanh()) - Read("target")).square().mean();
            Assert.Equal(losses[step], loss.item<float>(), absolute + relative * losses[step]);
            loss.backward();
            adam.Step(rate);
            flat.ZeroGradients();
            for (var f = 0; f < factors.Length; f++)
            {
                var want = file.Floats($"{id}.{step + 1}.{factors[f]}");
                Near.All(want, parameters[f].Value.detach().contiguous().data<float>().ToArray(), absolute + relative * want.Max(Math.Abs), $"{id}.{step + 1}.{factors[f]}");
            }
        }
    }
}
