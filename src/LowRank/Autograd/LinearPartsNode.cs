using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cpu.Gemm;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// Frozen linear layers with low-rank updates that read one input: <c>yᵢ = x · Wᵢᵀ + bᵢ + sᵢ · (x · Aᵢᵀ) · Bᵢᵀ</c>. It keeps <c>x · Aᵀ</c>, which for all updates together is one product,
/// and where a matrix A is trained the input, unless that can be made again from what its own node keeps (norms, gated activations); the gradient of the input is summed in place, and none is
/// computed where nothing below is trained. Layers without an update keep nothing.
/// Where the weights' products are computed in 16 bits, the input is rounded once for all of them and that form is what is kept; updates and sums stay in fp32.
/// </summary>
internal sealed class LinearPartsNode : AutogradNode
{
    private readonly LinearPart[] parts;
    private readonly int[] starts;
    private readonly Tensor? x;
    private readonly Tensor? a;
    private readonly Tensor? down;
    private readonly Tensor?[] b;
    private readonly bool isOwn;
    private readonly RoundedTensor? rounded;
    private readonly ScalarType productType;
    private readonly long[] inputShape;
    private AutogradNode? maker;

    private LinearPartsNode(LinearPart[] parts, int[] starts, Tensor x, RoundedTensor? rounded, AutogradNode? maker, Tensor? a, Tensor? down, bool isOwn)
    {
        (this.parts, this.starts, this.isOwn, productType, inputShape) = (parts, starts, isOwn, rounded is null ? ScalarType.Float32 : parts[0].Weight.ProductType, x.shape);
        b = Array.ConvertAll(parts, p => Kept(p.B));
        if (a is null) return;
        (this.a, this.down) = (Kept(a), Kept(down));
        // The input is there for the gradients of the matrices A alone.
        if (!Array.Exists(parts, p => p.A is { requires_grad: true })) return;
        this.maker = maker;
        if (maker is not null) return;
        if (rounded is null) this.x = Kept(x);
        else this.rounded = rounded.Kept();
    }

    /// <summary>The outputs for <paramref name="x"/> <c>[.., in]</c>: <c>[.., outᵢ]</c> each.</summary>
    /// <param name="x">fp32 input.</param>
    /// <param name="parts">The layers.</param>
    public static Tensor[] Apply(Tensor x, params LinearPart[] parts)
    {
        using var scope = NewDisposeScope();
        var dense = x.contiguous();
        using var operand = Array.TrueForAll(parts, p => p.Weight.Rounds(dense)) ? RoundedTensor.Of(dense, parts[0].Weight.ProductType) : null;
        var features = parts[0].Weight.InFeatures;
        var starts = new int[parts.Length + 1];
        for (var i = 0; i < parts.Length; i++) starts[i + 1] = starts[i] + (int)(parts[i].A?.shape[0] ?? 0);
        var outputs = new Tensor[parts.Length];
        var rows = dense.view(-1, features);
        var isOwn = IsOwn(rows, parts);
        Tensor? a = null, down = null;
        using (no_grad())
        {
            Tensor[] all = [.. parts.Where(p => p.A is not null).Select(p => p.A!)];
            if (all.Length > 0)
            {
                a = all.Length == 1 ? all[0].alias() : Together(parts, starts, all[0]);
                if (isOwn) TensorGemm.Run(down = Pooled(rows.shape[0], a.shape[0], rows), TensorGemm.Term(rows, a.t()));
                else down = rows.mm(a.t());
            }
            for (var i = 0; i < parts.Length; i++)
            {
                var part = parts[i];
                var low = part.B is null ? null : down!.narrow(1, starts[i], starts[i + 1] - starts[i]);
                Tensor y;
                if (isOwn)
                {
                    y = PooledTensor.Empty([.. dense.shape[..^1], part.Weight.OutFeatures]);
                    GemmTerm[] terms = [TensorGemm.Term(rows, part.Weight.Panels!, isTransposed: true), .. low is null ? (GemmTerm[])[] : [TensorGemm.Term(low, part.B!.t(), part.Scale)]];
                    TensorGemm.Run(y.view(-1, part.Weight.OutFeatures), terms);
                }
                else
                {
                    y = operand is null ? part.Weight.Product(dense) : Widened(operand, part.Weight.Linear(operand.Values));
                    if (low is not null) y.view(-1, part.Weight.OutFeatures).addmm_(low, part.B!.t(), 1, (float)part.Scale);
                }
                if (part.Bias is { } bias) y.add_(bias.to(y.dtype), Scalars.One);
                outputs[i] = y;
            }
        }
        Tensor[] inputs = [dense, .. parts.Where(p => p.A is not null).SelectMany(p => new[] { p.A!, p.B! })];
        if (IsNeeded(inputs)) outputs = new LinearPartsNode(parts, starts, dense, operand, MakerOf(x), a, down, isOwn).Attach(inputs, outputs);
        foreach (var y in outputs) y.MoveToOuterDisposeScope();
        return outputs;
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        // A layer whose output was not used leaves its columns.
        var ddown = down is null ? null : Pooled(down.shape[0], down.shape[1], down);
        if (gradOutputs.Contains(null)) ddown?.fill_(Scalars.Of(0f));
        var terms = new List<GemmTerm>();
        var (arrived, input) = (new Tensor?[parts.Length], 1);
        for (var i = 0; i < parts.Length; i++)
        {
            var isTrained = b[i] is not null;
            if (gradOutputs[i] is { } gradient)
            {
                var g = arrived[i] = gradient.contiguous().view(-1, parts[i].Weight.OutFeatures);
                if (isOwn && IsAsked(0)) terms.Add(TensorGemm.Term(g, parts[i].Weight.Panels!, isTransposed: false));
                if (isTrained)
                {
                    var (start, rank) = (starts[i], starts[i + 1] - starts[i]);
                    Write(ddown!.narrow(1, start, rank), g, b[i]!, parts[i].Scale);
                    if (IsAsked(input + 1)) gradInputs[input + 1] = Turned(down!.narrow(1, start, rank), g, parts[i].Scale);
                }
            }
            if (isTrained) input += 2;
        }
        // The input first: where it was made again it is gone before the gradient takes as much.
        var da = ddown is null || (x is null && rounded is null && maker is null) ? null : Pooled(ddown.shape[1], parts[0].Weight.InFeatures, ddown);
        if (da is not null)
            using (var wide = Input()) Write(da, ddown!.t(), wide.view(-1, parts[0].Weight.InFeatures), 1);
        if (IsAsked(0)) gradInputs[0] = isOwn ? InputGradient(terms, ddown) : InputGradient(arrived, ddown);
        if (da is null) return;
        input = 1;
        for (var i = 0; i < parts.Length; i++)
        {
            if (b[i] is null) continue;
            if (IsAsked(input) && gradOutputs[i] is not null) gradInputs[input] = da.narrow(0, starts[i], starts[i + 1] - starts[i]);
            input += 2;
        }
    }

    // In fp32, as it was multiplied.
    private Tensor Input()
    {
        if (maker is null) return rounded is null ? x!.alias() : rounded.Widened();
        var again = maker.Again();
        if (productType == ScalarType.Float32) return again;
        using (again)
        using (var narrow = RoundedTensor.Of(again, productType)) return narrow.Widened();
    }

    // All products with the frozen weights and the one with A, written once.
    private Tensor InputGradient(List<GemmTerm> terms, Tensor? ddown)
    {
        if (ddown is not null) terms.Add(TensorGemm.Term(ddown, a!));
        var dx = PooledTensor.Empty(inputShape);
        TensorGemm.Run(dx.view(-1, parts[0].Weight.InFeatures), [.. terms]);
        return dx;
    }

    private Tensor? InputGradient(Tensor?[] gradients, Tensor? ddown)
    {
        Tensor? dx = null;
        for (var i = 0; i < parts.Length; i++)
        {
            if (gradients[i] is not { } g) continue;
            if (dx is null) dx = parts[i].Weight.ProductBackward(g);
            else parts[i].Weight.AddProductBackward(g, dx);
        }
        if (ddown is not null) dx?.addmm_(ddown, a!);
        return dx?.view(inputShape);
    }

    // target = left · right · scale.
    private void Write(Tensor target, Tensor left, Tensor right, double scale)
    {
        // With β = 0 nothing is read where the product is written.
        if (isOwn) TensorGemm.Run(target, TensorGemm.Term(left, right, scale));
        else target.addmm_(left, right, 0, (float)scale);
    }

    // gᵀ · down · scale, the gradient of B [out, r]. The own product computes its transpose: its rows are the few, and what is packed is read as it lies.
    private Tensor Turned(Tensor down, Tensor g, double scale)
    {
        if (!isOwn) return Pooled(g.shape[1], down.shape[1], g).addmm_(g.t(), down, 0, (float)scale);
        using var turned = Pooled(down.shape[1], g.shape[1], g);
        TensorGemm.Run(turned, TensorGemm.Term(down.t(), g, scale));
        var result = Pooled(g.shape[1], down.shape[1], g);
        result.copy_(turned.t());
        return result;
    }

    // All matrices A, one below the other.
    private static Tensor Together(LinearPart[] parts, int[] starts, Tensor like)
    {
        var a = Pooled(starts[^1], parts[0].Weight.InFeatures, like);
        for (var i = 0; i < parts.Length; i++)
            if (parts[i].A is { } own) a.narrow(0, starts[i], own.shape[0]).copy_(own);
        return a;
    }

    private static Tensor Widened(RoundedTensor input, Tensor y)
    {
        using (y) return input.Widened(y);
    }

    // The own product where every weight can be its operand and there are more rows than the product for few takes.
    private static bool IsOwn(Tensor rows, LinearPart[] parts) =>
        GemmChoice.IsOwn && rows.device_type == DeviceType.CPU && rows.shape[0] > FewRows.Most && Array.TrueForAll(parts, p => p.Weight.Panels is not null && !p.Weight.Rounds(rows));

    /// <inheritdoc/>
    protected override void Release()
    {
        x?.Dispose();
        rounded?.Dispose();
        maker = null;
        a?.Dispose();
        down?.Dispose();
        foreach (var t in b) t?.Dispose();
    }

    // On the CPU of the pool, whose pages are there from the last step.
    private static Tensor Pooled(long rows, long columns, Tensor like) =>
        like.device_type == DeviceType.CPU ? PooledTensor.Empty([rows, columns]) : empty([rows, columns], ScalarType.Float32, like.device);

    private static Tensor? Kept(Tensor? t) => t?.detach().DetachFromDisposeScope();
}
