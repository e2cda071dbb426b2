using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning;

/// <summary>
/// What one layer keeps of a token between the forward and the backward pass. It is counted from the operations of <c>DecoderLayer</c>, not fitted: an operation keeps an input
/// only where another input's gradient asks for it, so a frozen linear layer keeps nothing, and an adapted one keeps the input of its A.
/// </summary>
internal static class LayerActivations
{
    /// <summary>Bytes for each token, apart from what grows with the square of the length.</summary>
    public static MemoryPart OfToken(ModelShape model, PlannedRun run)
    {
        long hidden = model.Hidden, queries = model.QueryWidth, keys = model.KeyValueHeads * model.HeadSize, inner = model.Intermediate, wide = sizeof(float), dtype = run.ComputeBytes;
        var isFull = run.Recipe.IsFull;
        var lines = new List<(string What, long Bytes)>
        {
            // Norms compute in fp32 whatever the dtype, and keep what they read.
            ("2 norms' inputs", 2 * hidden * wide),
            // The own node keeps the logarithm of a sum for each head. libtorch's fused attention needs grouped keys and values repeated, and keeps its result too.
            run.HasOwnNodes ? ("q, k, v and attention's sums", (queries + 2 * keys + model.Heads) * wide) : ("q, k, v and attention's result", 4 * queries * dtype + model.Heads * wide),
            !model.GatedMlp ? ("up", inner * dtype) : run.HasOwnNodes ? ("gate, up", 2 * inner * wide) : ("gate, its activation, up", 3 * inner * dtype),
        };
        // The weights of the experts are computed, so their gradient needs what they are multiplied with.
        if (model.Experts > 0) lines.Add(("experts' outputs", model.ExpertsPerToken * hidden * dtype));
        if (model.NormAfterBlocks) lines.Add(("2 more norms' inputs", 2 * hidden * wide));
        if (model.NormQueryKey) lines.Add(("inputs of the q and k norms", (queries + keys) * wide));
        // Trained norm weights need the normalised input too.
        if (isFull && !run.HasOwnNodes) lines.Add(("normalised inputs", (model.NormAfterBlocks ? 4 : 2) * hidden * dtype));
        var inputs = Inputs(model, run);
        if (inputs > 0) lines.Add((isFull ? "inputs of the linear layers" : "inputs of the adapted layers", inputs));
        if (run.Adapter is { } adapter) lines.Add(("A x of the adapted layers", adapter.TotalRank * wide / model.Layers));
        if (Factored(model, run) is > 0 and var factored) lines.Add(("products of the adapted layers before their factors", factored));
        return new(lines.Sum(l => l.Bytes), string.Join(" + ", lines.Select(l => FormattableString.Invariant($"{l.What} {l.Bytes}"))));
    }

    /// <summary>Bytes for each row of a batch, which grow with the square of its length: scores, where the fused attention cannot cap them.</summary>
    public static long OfScores(ModelShape model, PlannedRun run) => model.HasAttentionSoftCap && !run.HasOwnNodes ? 2 * model.Heads * run.Length * run.Length * sizeof(float) : 0;

    // Inputs that linear layers share count once, and the attention's result, which the output projection reads, not where attention keeps it anyway.
    private static long Inputs(ModelShape model, PlannedRun run)
    {
        var read = model.Linears.Where(l => run.Recipe.IsFull || run.Adapter?.Targets.Any(t => t.EndsWith(l.Name, StringComparison.Ordinal)) == true).ToList();
        // Without gradients of A no input is asked for but by dropout, whose masks the gradient of the input takes.
        if (run.Adapter is { FreezesA: true }) return run.HasDropout ? read.Sum(l => l.In * sizeof(float)) : 0;
        if (run.HasDropout || run.ComputeBytes != sizeof(float) && !run.Recipe.IsFull)
            // Each adapted layer makes an input of its own: masked, or widened to fp32.
            return read.Sum(l => l.In * sizeof(float) * (run.HasDropout ? 2 : 1));
        // Trained weights round their inputs each for itself, beside the fp32 form that others keep.
        if (run.RoundsProducts && run.Recipe.IsFull) return read.Sum(l => l.In * run.ProductBytes!.Value);
        return read.Where(l => run.HasOwnNodes ? run.Recipe.IsFull || !IsMadeAgain(model, l) : l.Name != model.Names.AttentionOutput).DistinctBy(l => Place(model, l)).Sum(l => l.In * (l.Role == LinearRole.Expert ? model.ExpertsPerToken : 1) * (run.ProductBytes ?? run.ComputeBytes));
    }

    // Norms and gated activations are computed again from what their own nodes keep. An expert's tokens are picked out of the norm first.
    private static bool IsMadeAgain(ModelShape model, LinearShape linear) =>
        linear.Name != model.Names.AttentionOutput && (linear.In == model.Hidden ? model.RemakesNorms && linear.Role != LinearRole.Expert : model.RemakesGated);

    // DoRA's lengths and (IA)³'s factors need what they multiply: the product of the layer, or with (IA)³ the layer's input.
    private static long Factored(ModelShape model, PlannedRun run)
    {
        if (run.Adapter is not { Selection.Config: LoraConfig { UseDora: true } or Ia3Config } adapter) return 0;
        return model.Linears.Where(l => adapter.Targets.Any(t => t.EndsWith(l.Name, StringComparison.Ordinal))).Sum(l => l.Out * sizeof(float));
    }

    private static string Place(ModelShape model, LinearShape linear) => linear.Name[..linear.Name.IndexOf('.', StringComparison.Ordinal)] + (linear.In == model.Hidden ? " in" : " out");
}
