// LoRA in plain TorchSharp, beside the library: the same five training steps, compared after each.
// An adapted layer computes y = W x + b + (alpha / r) · B A x. W and b are frozen, A [r, in] and B [out, r] are trained.
using LowRank.Adapters;
using LowRank.Optimizers;
using LowRank.Runtime;
using TorchSharp;
using static TorchSharp.torch;

NativeRuntime.Load(); // before the first tensor: it finds and loads libtorch
using var scope = NewDisposeScope();
const int batch = 16, inFeatures = 12, outFeatures = 6, rank = 4, steps = 5;
const double alpha = 8, learningRate = 1e-2, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0.01;
manual_seed(1);
var x = randn(batch, inFeatures);
var target = randn(batch, outFeatures);
var layer = nn.Linear(inFeatures, outFeatures);

// ---- the library: LoRA on the layer by a hook, AdamW over one flat buffer
using var model = nn.Sequential(("fc", layer));
using var lora = LoraInjector.Attach(model, x, new LoraConfig { Rank = rank, Alpha = alpha, TargetModules = ["fc"] });
using var flat = new FlatParameters(lora.TrainableParameters);
using var optimizer = new AdamW(flat, new AdamWSettings(beta1, beta2, epsilon, decay));

// ---- by hand: the same start, then the formulas
var w = layer.weight.detach().clone();
var bias = layer.bias!.detach().clone();
var hand = lora.TrainableParameters.Select(p => p.Value.detach().clone().requires_grad_()).ToArray(); // A, B
var first = hand.Select(p => zeros_like(p)).ToArray();  // AdamW's moments
var second = hand.Select(p => zeros_like(p)).ToArray();

var worst = 0f;
for (var t = 1; t <= steps; t++)
{
    // Forward: the frozen layer and the low-rank path beside it.
    var (a, b) = (hand[0], hand[1]);
    var y = x.mm(w.t()) + bias + x.mm(a.t()).mm(b.t()) * (alpha / rank);
    var loss = (y - target).pow(2).mean();

    // Backward and AdamW (arXiv:1711.05101): decay the value, move it against the corrected moments.
    loss.backward();
    using (no_grad())
        for (var i = 0; i < hand.Length; i++)
        {
            var gradient = hand[i].grad!;
            first[i].mul_(beta1).add_(gradient * (1 - beta1));
            second[i].mul_(beta2).add_(gradient * gradient * (1 - beta2));
            var mean = first[i] / (1 - Math.Pow(beta1, t));
            var spread = (second[i] / (1 - Math.Pow(beta2, t))).sqrt() + epsilon;
            hand[i].mul_(1 - learningRate * decay).sub_(mean / spread * learningRate);
            gradient.zero_();
        }

    // The library's step.
    var libraryLoss = (model.call(x) - target).pow(2).mean();
    flat.Gradients.zero_();
    libraryLoss.backward();
    optimizer.Step(learningRate);

    var difference = Math.Abs(loss.item<float>() - libraryLoss.item<float>());
    for (var i = 0; i < hand.Length; i++)
        difference = Math.Max(difference, (hand[i] - lora.TrainableParameters[i].Value).abs().max().item<float>());
    worst = Math.Max(worst, difference);
    Console.WriteLine(FormattableString.Invariant($"step {t}: loss {loss.item<float>():F6}, largest difference from the library {difference:E1}"));
}
Console.WriteLine(worst <= 1e-6f ? "By hand and by library: the same to 1e-6." : "By hand and by library: NOT the same.");
return worst <= 1e-6f ? 0 : 1;
