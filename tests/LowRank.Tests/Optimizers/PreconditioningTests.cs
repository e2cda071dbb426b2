using LowRank.Autograd;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Optimizers.Preconditioning;
using LowRank.Quantization;
using LowRank.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Optimizers;

/// <summary>What holds of preconditioned gradients whatever the numbers, and of a matrix A that is not trained.</summary>
public sealed class PreconditioningTests
{
    private static float[] Floats(Tensor t) => t.detach().contiguous().data<float>().ToArray();

    [Fact]
    public void A_riemannian_step_does_not_depend_on_how_the_update_is_divided()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var (a, b, gradient) = (randn([3, 10], generator: generator), randn([8, 3], generator: generator), randn([8, 10], generator: generator));
        // The change of B A to first order, of a gradient of the whole weight, with all of A's size moved to B by c.
        Tensor Change(double c)
        {
            using var down = new TrainableParameter("l.lora_A.weight", (a * c).detach());
            using var up = new TrainableParameter("l.lora_B.weight", (b / c).detach());
            using var flat = new FlatParameters([down, up]);
            flat.GradientOf(0).copy_(up.Value.detach().t().mm(gradient));
            flat.GradientOf(1).copy_(gradient.mm(down.Value.detach().t()));
            new LoraPreconditioner(GradientPreconditioning.Riemannian, flat, [new(down, up, 1)], damping: 0).Apply();
            return (up.Value.detach().mm(flat.GradientOf(0)) + flat.GradientOf(1).mm(down.Value.detach())).clone();
        }

        // Inverses of well-conditioned 3 × 3 matrices in fp32.
        Near.All(Floats(Change(1)), Floats(Change(8)), 2e-4, "change of the weight");
    }

    [Fact]
    public void A_frozen_A_keeps_no_input_and_leaves_the_other_gradients_as_they_are()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using var weight = new DenseWeight(randn([24, 16], generator: generator));
        var (a, b) = (randn([4, 16], generator: generator), randn([24, 4], generator: generator));
        var (x, upstream) = (randn([2, 40, 16], generator: generator), randn([2, 40, 24], generator: generator));
        (float[] Input, float[] B, Tensor? A) Of(bool frozen)
        {
            using var down = new TrainableParameter("l.lora_A.weight", a.clone());
            using var up = new TrainableParameter("l.lora_B.weight", b.clone());
            if (frozen) down.Freeze();
            var input = x.detach().clone().requires_grad_(true);
            var y = LinearParts.Forward(input, new LinearPart(weight, null, down.Value.alias(), up.Value.alias(), 2))[0];
            BackwardPass.Run(y, upstream);
            return (Floats(input.grad!), Floats(up.Value.grad!), down.Value.grad);
        }

        var (trained, kept) = (Of(false), Of(true));
        Assert.Equal(trained.Input, kept.Input);
        Assert.Equal(trained.B, kept.B);
        Assert.NotNull(trained.A);
        Assert.Null(kept.A);
    }
}
