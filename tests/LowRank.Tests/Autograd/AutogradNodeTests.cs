using LowRank.Autograd;
using LowRank.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Autograd;

/// <summary>The own autograd nodes: gradients, errors inside a backward, graphs that are dropped, and no handle left behind.</summary>
[Collection(nameof(NativeTensors))]
public sealed class AutogradNodeTests
{
    [Fact]
    public void A_frozen_linear_has_the_gradient_of_the_plain_one()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            var w = randn([6, 5], generator: generator).to(type);
            using var frozen = new DenseWeight(w.clone());
            var x = randn([4, 5], generator: generator).requires_grad_(true);
            var plain = x.detach().clone().requires_grad_(true);
            var dy = randn([4, 6], generator: generator);
            BackwardPass.Run(FrozenLinearNode.Apply(x, frozen), dy);
            nn.functional.linear(plain, w.to(ScalarType.Float32)).backward([dy]);
            // The same product of the same fp32 numbers: equal up to the order of sums of 6.
            Assert.True(x.grad!.allclose(plain.grad!, 1e-6, 1e-6));
        }
    }

    [Fact]
    public void An_error_in_the_middle_of_a_backward_reaches_the_caller_and_the_process_goes_on()
    {
        using var scope = NewDisposeScope();
        var alive = AutogradNode.Alive;
        using var good = new DenseWeight(eye(3));
        for (var i = 0; i < 3; i++)
        {
            using var step = NewDisposeScope();
            var x = ones(2, 3).requires_grad_(true);
            var y = FrozenLinearNode.Apply(FailingNode.Apply(FrozenLinearNode.Apply(x, good)), good);
            var error = Assert.Throws<InvalidOperationException>(() => BackwardPass.Run(y, ones_like(y)));
            Assert.Equal("on purpose", error.Message);
            Assert.Null(x.grad);
        }
        Assert.Equal(alive, AutogradNode.Alive);
        // The next pass is not affected.
        var again = ones(2, 3).requires_grad_(true);
        var fine = FrozenLinearNode.Apply(again, good);
        BackwardPass.Run(fine, ones_like(fine));
        Assert.True(again.grad!.allclose(ones(2, 3)));
    }

    [Fact]
    public void A_graph_that_is_dropped_without_backward_frees_its_nodes()
    {
        var alive = AutogradNode.Alive;
        using var weight = new DenseWeight(eye(3).DetachFromDisposeScope());
        for (var i = 0; i < 50; i++)
        {
            using var scope = NewDisposeScope();
            var x = ones(2, 3).requires_grad_(true);
            _ = FrozenLinearNode.Apply(FrozenLinearNode.Apply(x, weight), weight);
        }
        Assert.Equal(alive, AutogradNode.Alive);
    }

    [Fact]
    public void Ten_thousand_steps_leave_nothing_behind()
    {
        using var weight = new DenseWeight(eye(4).DetachFromDisposeScope());
        void Step()
        {
            using var scope = NewDisposeScope();
            var x = ones(2, 4).requires_grad_(true);
            var y = FrozenLinearNode.Apply(FrozenLinearNode.Apply(x, weight), weight);
            BackwardPass.Run(y, ones_like(y));
        }
        for (var i = 0; i < 10; i++) Step();
        // What earlier tests left to the finalizers would go in the middle of the steps.
        NativeTensors.Collect();
        var (tensors, nodes) = (Tensor.TotalCount, AutogradNode.Alive);
        for (var i = 0; i < 10_000; i++) Step();
        Assert.Equal(tensors, Tensor.TotalCount);
        Assert.Equal(nodes, AutogradNode.Alive);
    }

    private sealed class FailingNode : AutogradNode
    {
        public static Tensor Apply(Tensor x)
        {
            using var noGrad = enable_grad(false);
            var y = x.clone();
            return new FailingNode().Attach([x], y);
        }

        protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs) => throw new InvalidOperationException("on purpose");

        protected override void Release()
        {
        }
    }
}
