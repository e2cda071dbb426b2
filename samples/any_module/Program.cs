// LoraInjector on a module that knows nothing of LowRank: a small TorchSharp network learns one function, then a LoRA teaches it
// another one. The base stays as it was; the adapter is a folder of a few kilobytes that PEFT's tools can read too.
using LowRank.Adapters;
using LowRank.Runtime;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

NativeRuntime.Load(); // before the first tensor: it finds and loads libtorch
manual_seed(1);
using var scope = NewDisposeScope();
using var model = new Network();
var x = linspace(-3, 3, 128).unsqueeze(1);
var sine = x.sin();
var other = (x * 1.3 + 0.5).sin() + 0.2 * x;

Train(model.parameters(), sine, steps: 400, rate: 1e-2);
Console.WriteLine(FormattableString.Invariant($"base:      loss {Loss(sine):F4} on its own function, {Loss(other):F4} on the other"));

var folder = Path.Combine(Path.GetTempPath(), $"lowrank-any-module-{Environment.ProcessId}");
try
{
    var before = model.call(x).detach();
    Tensor adapted;
    using (var lora = LoraInjector.Attach(model, x, new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ModulePattern.AllLinear }))
    {
        var trained = lora.Parameters.Sum(p => p.numel());
        var all = trained + model.parameters().Sum(p => p.numel());
        Console.WriteLine(FormattableString.Invariant($"trainable params: {trained:N0} || all params: {all:N0} || trainable%: {100.0 * trained / all:F4}"));
        Train(lora.Parameters, other, steps: 400, rate: 1e-2);
        adapted = model.call(x).detach();
        Console.WriteLine(FormattableString.Invariant($"with LoRA: loss {Loss(other):F4} on the other function"));
        lora.Save(folder);
    }
    var detached = Difference(before, model.call(x));
    LoraInjector.Load(model, x, folder).Merge();
    var merged = Difference(adapted, model.call(x));
    Console.WriteLine(FormattableString.Invariant($"detached: differs from the base by {detached:G2}; reloaded and merged: from the adapted model by {merged:G2}"));
    // Detaching is exact; merging rounds W + BA once, in numbers of order 1.
    return detached == 0 && merged < 1e-5 && Loss(other) < 0.01f ? 0 : 1;
}
finally
{
    if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
}

float Loss(Tensor wanted)
{
    using var inner = NewDisposeScope();
    return (model.call(x) - wanted).pow(2).mean().item<float>();
}

float Difference(Tensor one, Tensor two) => (one - two).abs().max().item<float>();

void Train(IEnumerable<Parameter> parameters, Tensor wanted, int steps, double rate)
{
    using var optimizer = optim.AdamW(parameters, rate);
    for (var i = 0; i < steps; i++)
    {
        using var step = NewDisposeScope();
        optimizer.zero_grad();
        (model.call(x) - wanted).pow(2).mean().backward();
        optimizer.step();
    }
}

/// <summary>A plain network. Its layers are used with <c>call</c>, which runs hooks; <c>forward</c> would not, and the injector says so.</summary>
internal sealed class Network : nn.Module<Tensor, Tensor>
{
    private readonly Linear inner = nn.Linear(1, 32);
    private readonly Linear middle = nn.Linear(32, 32);
    private readonly Linear outer = nn.Linear(32, 1);

    public Network() : base(nameof(Network)) => RegisterComponents();

    public override Tensor forward(Tensor x) => outer.call(middle.call(inner.call(x).tanh()).tanh());
}
