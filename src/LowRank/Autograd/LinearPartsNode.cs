using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Autograd;

/// <summary>
/// Frozen linear layers with low-rank updates that read one input: <c>yᵢ = x · Wᵢᵀ + bᵢ + sᵢ · (x · Aᵢᵀ) · Bᵢᵀ</c>. It keeps the input and <c>x · Aᵀ</c>, which for all updates
/// together is one product; the gradient of the input is summed in place, and none is computed where nothing below is trained. Layers without an update keep nothing.
/// </summary>
internal sealed class LinearPartsNode : AutogradNode
{
    private readonly LinearPart[] parts;
    private readonly int[] starts;
    private readonly Tensor? x;
    private readonly Tensor? a;
    private readonly Tensor? down;
    private readonly Tensor?[] b;

    private LinearPartsNode(LinearPart[] parts, int[] starts, Tensor x, Tensor? a, Tensor? down)
    {
        (this.parts, this.starts) = (parts, starts);
        b = Array.ConvertAll(parts, p => Kept(p.B));
        if (a is null) return;
        (this.x, this.a, this.down) = (Kept(x), Kept(a), Kept(down));
    }

    /// <summary>The outputs for <paramref name="x"/> <c>[.., in]</c>: <c>[.., outᵢ]</c> each.</summary>
    /// <param name="x">fp32 input.</param>
    /// <param name="parts">The layers.</param>
    public static Tensor[] Apply(Tensor x, params LinearPart[] parts)
    {
        using var scope = NewDisposeScope();
        var dense = x.contiguous();
        var features = parts[0].Weight.InFeatures;
        var starts = new int[parts.Length + 1];
        for (var i = 0; i < parts.Length; i++) starts[i + 1] = starts[i] + (int)(parts[i].A?.shape[0] ?? 0);
        var outputs = new Tensor[parts.Length];
        Tensor? a = null, down = null;
        using (no_grad())
        {
            Tensor[] all = [.. parts.Where(p => p.A is not null).Select(p => p.A!)];
            if (all.Length > 0)
            {
                a = all.Length == 1 ? all[0].alias() : cat(all);
                down = dense.view(-1, features).mm(a.t());
            }
            for (var i = 0; i < parts.Length; i++)
            {
                var part = parts[i];
                var y = outputs[i] = part.Weight.Linear(dense);
                if (part.Bias is { } bias) y.add_(bias.to(y.dtype), Scalars.One);
                if (part.B is { } up) y.view(-1, part.Weight.OutFeatures).addmm_(down!.narrow(1, starts[i], starts[i + 1] - starts[i]), up.t(), 1, (float)part.Scale);
            }
        }
        Tensor[] inputs = [dense, .. parts.Where(p => p.A is not null).SelectMany(p => new[] { p.A!, p.B! })];
        if (IsNeeded(inputs)) outputs = new LinearPartsNode(parts, starts, dense, a, down).Attach(inputs, outputs);
        foreach (var y in outputs) y.MoveToOuterDisposeScope();
        return outputs;
    }

    /// <inheritdoc/>
    protected override void Backward(ReadOnlySpan<Tensor?> gradOutputs, Span<Tensor?> gradInputs)
    {
        var features = parts[0].Weight.InFeatures;
        // A product with β = 0 does not read where it writes; a layer whose output was not used leaves its columns.
        var ddown = down is null ? null : gradOutputs.Contains(null) ? zeros_like(down) : empty_like(down);
        Tensor? dx = null;
        var input = 1;
        for (var i = 0; i < parts.Length; i++)
        {
            var g = gradOutputs[i]?.contiguous();
            var rows = g?.view(-1, parts[i].Weight.OutFeatures);
            if (b[i] is { } up)
            {
                if (rows is not null)
                {
                    var (start, rank) = (starts[i], starts[i + 1] - starts[i]);
                    ddown!.narrow(1, start, rank).addmm_(rows, up, 0, (float)parts[i].Scale);
                    if (IsAsked(input + 1)) gradInputs[input + 1] = empty_like(up).addmm_(rows.t(), down!.narrow(1, start, rank), 0, (float)parts[i].Scale);
                }
                input += 2;
            }
            if (g is null || !IsAsked(0)) continue;
            if (dx is null) dx = parts[i].Weight.LinearBackward(g);
            else parts[i].Weight.AddLinearBackward(g, dx);
        }
        gradInputs[0] = dx;
        if (ddown is null) return;
        dx?.view(-1, features).addmm_(ddown, a!);
        var da = ddown.t().mm(x!.view(-1, features));
        input = 1;
        for (var i = 0; i < parts.Length; i++)
        {
            if (b[i] is null) continue;
            if (IsAsked(input) && gradOutputs[i] is not null) gradInputs[input] = da.narrow(0, starts[i], starts[i + 1] - starts[i]);
            input += 2;
        }
    }

    /// <inheritdoc/>
    protected override void Release()
    {
        x?.Dispose();
        a?.Dispose();
        down?.Dispose();
        foreach (var t in b) t?.Dispose();
    }

    private static Tensor? Kept(Tensor? t) => t?.detach().DetachFromDisposeScope();
}
