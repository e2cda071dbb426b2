using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Optimizers.Preconditioning;

/// <summary>Multiplies the gradients of LoRA's matrices, as they stand in the flat buffer, with matrices of r × r made of the other factor. It keeps no state.</summary>
internal sealed class LoraPreconditioner
{
    /// <summary>λ of <see cref="GradientPreconditioning.Riemannian"/>: PEFT's <c>reg</c>.</summary>
    public const double Damping = 1e-2;

    // PEFT's delta, which keeps the inverse finite where rows of A depend on each other.
    private const double FrozenDamping = 1e-8;

    private readonly GradientPreconditioning kind;
    private readonly double damping;
    private readonly List<(LoraPair Pair, Tensor? OfA, Tensor OfB)> pairs;

    /// <summary>Finds the gradients of the pairs.</summary>
    /// <param name="kind">What is to be done.</param>
    /// <param name="flat">The trained parameters; with LoRA-FA the matrices A are not among them.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="damping">λ of <see cref="GradientPreconditioning.Riemannian"/>.</param>
    public LoraPreconditioner(GradientPreconditioning kind, FlatParameters flat, IReadOnlyList<LoraPair> pairs, double damping = Damping)
    {
        (this.kind, this.damping) = (kind, damping);
        var places = flat.Parameters.Select((p, i) => (p, i)).ToDictionary(x => x.p, x => x.i);
        Tensor? GradientOf(TrainableParameter p) => places.TryGetValue(p, out var at) ? flat.GradientOf(at) : null;
        this.pairs = [.. pairs.Select(p => (p, GradientOf(p.A), GradientOf(p.B) ?? throw new ArgumentException($"{p.B.Name} is not trained.", nameof(pairs))))];
    }

    /// <summary>Changes the gradients of a step, before the optimizer takes it.</summary>
    public void Apply()
    {
        using var noGrad = no_grad();
        foreach (var (pair, ofA, ofB) in pairs)
        {
            using var scope = NewDisposeScope();
            var (a, b) = (pair.A.Value.detach(), pair.B.Value.detach());
            if (kind == GradientPreconditioning.Riemannian)
            {
                ofA?.copy_(Inverse(b.t().mm(b), damping).mm(ofA));
                ofB.copy_(ofB.mm(Inverse(a.mm(a.t()), damping)));
            }
            else ofB.copy_(ofB.mm(Inverse(a.mm(a.t()), FrozenDamping)).div_(Scalars.Of(pair.Scaling * pair.Scaling)));
        }
    }

    private static Tensor Inverse(Tensor product, double damping)
    {
        product.diagonal().add_(Scalars.Of(damping), Scalars.One);
        return linalg.pinv(product);
    }
}
