using LowRank.Autograd;
using LowRank.Testing;
using LowRank.Testing.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Kernels.Cuda;

/// <summary>Nodes of the graph over CUDA kernels against tensor operations, values and gradients: the kernels run on the processor, and on each GPU.</summary>
[Collection(nameof(NativeTensors))]
public sealed class CudaNodeTests
{
    public static IEnumerable<TheoryDataRow<string>> Runners => Devices.WithKernels;

    [Theory, MemberData(nameof(Runners))]
    public void Rms_norm(string device) => Compare(device, [[2, 3, 37], [37]],
        t => RmsNormNode.Apply(t[0], t[1], 1e-5, roundFirst: true), t => t[0] * rsqrt((t[0] * t[0]).mean([-1], keepdim: true) + 1e-5) * t[1]);

    [Theory, MemberData(nameof(Runners))]
    public void Silu(string device) => Compare(device, [[3, 5, 41], [3, 5, 41]],
        t => GatedActivationNode.Apply(t[0] * 1, t[1] * 1, gelu: false), t => nn.functional.silu(t[0]) * t[1]);

    [Theory, MemberData(nameof(Runners))]
    public void Gelu(string device) => Compare(device, [[3, 5, 41], [3, 5, 41]],
        t => GatedActivationNode.Apply(t[0] * 1, t[1] * 1, gelu: true), t => nn.functional.gelu(t[0], TorchSharp.Modules.GELU.Approximate.tanh) * t[1]);

    // Heads of six values of which four turn; what follows reads them in another order, so that the gradient does not arrive dense.
    [Theory, MemberData(nameof(Runners))]
    public void Rotary_embedding(string device)
    {
        using var angles = linspace(0, 3, 2 * 5 * 2).reshape(2, 1, 5, 2);
        Compare(device, [[2, 5, 3 * 6]],
            t => RotaryNode.Apply(t[0] * 1, angles.cos().to(t[0].device), angles.sin().to(t[0].device), 6).view(2, 5, 3, 6).transpose(1, 2),
            t => Turned(t[0].view(2, 5, 3, 6).transpose(1, 2), angles.cos().to(t[0].device), angles.sin().to(t[0].device)));
        Compare(device, [[2, 5, 3 * 6]],
            t => RotaryNode.Apply(t[0] * 1, angles.cos().to(t[0].device), angles.sin().to(t[0].device), 6),
            t => Turned(t[0].view(2, 5, 3, 6).transpose(1, 2), angles.cos().to(t[0].device), angles.sin().to(t[0].device)).transpose(1, 2).reshape(2, 5, 18));
    }

    private static Tensor Turned(Tensor x, Tensor cosine, Tensor sine)
    {
        var (a, b, rest) = (x.narrow(-1, 0, 2), x.narrow(-1, 2, 2), x.narrow(-1, 4, 2));
        return cat([a * cosine - b * sine, b * cosine + a * sine, rest], -1);
    }

    private static void Compare(string device, long[][] shapes, Func<Tensor[], Tensor> node, Func<Tensor[], Tensor> plain)
    {
        using var used = Devices.Use(device);
        _ = Devices.CurrentKernels();
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        var inputs = Array.ConvertAll(shapes, s => randn(s, generator: generator).to(Devices.Current));
        Tensor? weights = null;
        (float[] Value, float[][] Gradients) Run(Func<Tensor[], Tensor> compute)
        {
            var leaves = Array.ConvertAll(inputs, i => i.clone().requires_grad_(true));
            var y = compute(leaves);
            weights ??= randn(y.shape, generator: generator).to(Devices.Current);
            BackwardPass.Run(y, weights.clone());
            var result = (Floats(y), Array.ConvertAll(leaves, l => Floats(l.grad!)));
            foreach (var l in leaves) l.grad = null;
            return result;
        }

        var (got, want) = (Run(node), Run(plain));
        // Values near 1 to 10 with a dozen roundings each, sums over at most 30 rows.
        Near.All(want.Value, got.Value, 1e-5, "value");
        for (var i = 0; i < shapes.Length; i++) Near.All(want.Gradients[i], got.Gradients[i], 2e-5, $"gradient {i}");
    }

    private static float[] Floats(Tensor x) => x.detach().cpu().contiguous().data<float>().ToArray();
}
