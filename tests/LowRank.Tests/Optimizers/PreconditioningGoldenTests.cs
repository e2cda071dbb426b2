using System.Text.Json;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Optimizers;

/// <summary>LoRA-FA and Riemannian preconditioning as PEFT has them (fixtures/numerics/adapters/optimizers), on a small net step by step.</summary>
[Trait("Category", "Golden")]
public sealed class PreconditioningGoldenTests
{
    private static readonly string Folder = Golden.At("numerics", "adapters", "optimizers");

    private static readonly JsonElement Root = File.Exists(Path.Combine(Folder, "cases.json")) ? JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "cases.json"))).RootElement : default;

    public static IEnumerable<TheoryDataRow<string>> Cases => Golden.Cases("numerics/adapters/optimizers/preconditioned",
        Root.ValueKind == JsonValueKind.Undefined ? [] : Root.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("id").GetString()!).Where(id => !id.StartsWith("loraplus", StringComparison.Ordinal)));

    // PEFT multiplies in bfloat16 in lorafa_peft, for which the case's own tolerance makes room.
    [Theory, MemberData(nameof(Cases))]
    public void A_small_net_takes_the_steps_of_peft(string id)
    {
        var of = Root.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var file = new GoldenTensors(Path.Combine(Folder, "cases.safetensors"));
        var losses = of.GetProperty("losses").EnumerateArray().Select(n => n.GetDouble()).ToArray();
        double Number(string name) => of.GetProperty(name).GetDouble();
        var (rate, scaling, decay) = (Number("lr"), Root.GetProperty("scaling").GetDouble(), Number("weight_decay"));
        var (absolute, relative) = (of.GetProperty("tolerance").GetProperty("atol").GetDouble(), of.GetProperty("tolerance").GetProperty("rtol").GetDouble());
        using var scope = NewDisposeScope();
        Tensor Read(string name) => tensor(file.Floats(name)).view(file.Shape(name));
        string[] factors = [.. new[] { "l0", "l1" }.SelectMany(l => new[] { $"{l}.lora_A", $"{l}.lora_B" })];
        var parameters = factors.Select(f => new TrainableParameter(f + ".weight", Read("init." + f))).ToArray();
        var isFrozen = id.StartsWith("lorafa", StringComparison.Ordinal);
        if (isFrozen)
            foreach (var a in parameters.Where((_, i) => i % 2 == 0)) a.Freeze();
        using var flat = new FlatParameters([.. parameters.Where(p => !p.IsFrozen)]);
        LoraPair[] pairs = [new(parameters[0], parameters[1], scaling), new(parameters[2], parameters[3], scaling)];
        var preconditioner = new LoraPreconditioner(isFrozen ? GradientPreconditioning.LoraFa : GradientPreconditioning.Riemannian, flat, pairs, Number("reg"));
        using var adam = new AdamW(flat, isFrozen ? new AdamWSettings(Epsilon: 1e-6, WeightDecay: decay) { Form = AdamWForm.Transformers } : new AdamWSettings(WeightDecay: decay));
        Tensor Layer(int layer, Tensor x) => nn.functional.linear(x, Read($"net.l{layer}.weight"), Read($"net.l{layer}.bias"))
            + nn.functional.linear(nn.functional.linear(x, parameters[2 * layer].Value), parameters[2 * layer + 1].Value) * scaling;
        for (var step = 0; step < losses.Length; step++)
        {
            var loss = (Layer(1, Layer(0, Read("x")).tanh()) - Read("target")).square().mean();
            Assert.Equal(losses[step], loss.item<float>(), absolute + relative * losses[step]);
            loss.backward();
            preconditioner.Apply();
            if (id.EndsWith("sgd", StringComparison.Ordinal))
            {
                using (no_grad()) flat.Values.sub_(flat.Gradients * rate);
            }
            else adam.Step(rate);
            flat.ZeroGradients();
            for (var f = 0; f < factors.Length; f++)
            {
                var want = file.Floats($"{id}.{step + 1}.{factors[f]}");
                Near.All(want, parameters[f].Value.detach().contiguous().data<float>().ToArray(), absolute + relative * want.Max(Math.Abs), $"{id}.{step + 1}.{factors[f]}");
            }
        }
        foreach (var p in parameters) p.Dispose();
    }
}
