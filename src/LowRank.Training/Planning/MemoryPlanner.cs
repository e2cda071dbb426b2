using System.Globalization;
using LowRank.Adapters;
using LowRank.Autograd;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning;

/// <summary>
/// What a run will need at its peak, computed from sizes before anything is loaded. The formulas count what this implementation keeps; the end of every run shows the figure beside
/// the measured peak, and a test holds them within 10 % of each other.
/// </summary>
public static class MemoryPlanner
{
    /// <summary>Elements of a frozen weight that are widened at a time for a product: <see cref="Quantization.DenseWeight"/>'s panel.</summary>
    private const long PanelElements = 4L << 20;

    /// <summary>Predicts the peak of a training run.</summary>
    /// <param name="model">The model's sizes.</param>
    /// <param name="run">Method, adapter, batch.</param>
    public static MemoryPlan Predict(ModelShape model, PlannedRun run)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(run);
        var recipe = run.Recipe;
        var added = run.Adapter?.AddedParameters ?? 0;
        var initial = run.Adapter?.InitialElements ?? 0;
        var trained = recipe.IsFull ? model.Parameters : run.Adapter?.TrainableParameters ?? 0;
        var logits = Logits(model, run);
        var backward = Backward(model, run);
        return new MemoryPlan
        {
            Runtime = run.Runtime ?? ProcessFootprint.OfTraining(model),
            Base = Base(model, run),
            Adapter = new((added + initial) * sizeof(float), added == 0 ? "none" : Text($"{added:N0} parameters{(initial == 0 ? "" : Text($" + {initial:N0} elements of what they started from"))} × 4 B in fp32")),
            Gradients = new(trained * recipe.GradientBytes, Text($"{trained:N0} trained parameters × {recipe.GradientBytes} B")),
            Optimizer = Optimizer(run, trained),
            PagedBytes = run.Optimizer?.Paged ?? 0,
            Activations = Activations(model, run),
            Logits = logits,
            Workspace = new(Math.Max(0, backward.Bytes - logits.Bytes), Text($"{backward.Formula} = {backward.Bytes:N0} B, of which the logits' place serves {Math.Min(backward.Bytes, logits.Bytes):N0}")),
        };
    }

    private static MemoryPart Base(ModelShape model, PlannedRun run)
    {
        if (run.Recipe.Base == BasePrecision.Fp32) return new(model.Parameters * sizeof(float), Text($"{model.Parameters:N0} parameters × 4 B"));
        if (run.Recipe.Base == BasePrecision.Bf16) return new(model.Parameters * run.StoredBytes, Text($"{model.Parameters:N0} parameters × {run.StoredBytes} B"));
        var isDouble = run.Recipe.Base == BasePrecision.Nf4Double;
        var blockSize = run.Quantization.BlockSize;
        long[] skipped = run.Quantization.Skip.Count == 0 ? [] : [.. model.Modules().Where(m => m.Kind is ModuleKind.Linear or ModuleKind.Conv1D or ModuleKind.Expert && run.Quantization.Skips(m.Name)).Select(m => m.InFeatures * m.OutFeatures)];
        var (kept, others) = (model.LinearWeights - skipped.Sum(), model.UnquantizedParameters + skipped.Sum());
        var codes = BaseBytes.Nf4(model, isDouble, blockSize) - skipped.Sum(weights => BaseBytes.Nf4(weights, isDouble, blockSize));
        return new(codes + others * run.StoredBytes, Text($"{kept:N0} linear weights × {8.0 * codes / Math.Max(1, kept):0.###} bits (4, {(isDouble ? "8" : "32")} for each block of {blockSize}{(isDouble ? ", 32 for 256 blocks" : "")}) + {others:N0} others × {run.StoredBytes} B"));
    }

    private static MemoryPart Optimizer(PlannedRun run, long trained)
    {
        if (run.Optimizer is { } given) return new(given.Resident + given.Paged, Text($"{given.Text} of {trained:N0} trained parameters"));
        var (moments, master) = (run.Recipe.MomentBytes, run.Recipe.MasterBytes);
        return new((long)(trained * (moments + master)), Text($"{trained:N0} trained parameters × {moments:0.##} B of moments{(master == 0 ? "" : FormattableString.Invariant($" and {master} B of fp32 weights"))}"));
    }

    private static MemoryPart Activations(ModelShape model, PlannedRun run)
    {
        var tokens = run.Rows * run.Length;
        var token = LayerActivations.OfToken(model, run);
        var scores = run.Rows * LayerActivations.OfScores(model, run);
        var kept = model.Layers - run.CheckpointedLayers;
        var mask = run.IsPacked && !run.HasOwnNodes ? tokens * run.Length * sizeof(float) : 0;
        // The last norm keeps its input; the states that it gives are read by the head.
        var ends = tokens * 2 * model.Hidden * sizeof(float);
        // The graph of a trained layer keeps its weights as they were multiplied.
        var rounded = run.RoundsProducts && run.Recipe.IsFull ? kept * (model.LinearWeights / model.Layers) * run.ProductBytes!.Value : 0;
        var bytes = rounded + kept * (tokens * token.Bytes + scores) + run.CheckpointedLayers * tokens * model.Hidden * run.ComputeBytes + mask + ends;
        var parts = new List<string>();
        if (kept > 0) parts.Add(Text($"{kept} layers × {tokens:N0} tokens × {token.Bytes:N0} B ({token.Formula})"));
        if (run.CheckpointedLayers > 0) parts.Add(Text($"{run.CheckpointedLayers} layers' inputs × {tokens:N0} tokens × {model.Hidden} × {run.ComputeBytes} B"));
        if (scores > 0 && kept > 0) parts.Add(Text($"scores {kept} × {run.Rows} rows × {model.Heads} heads × {run.Length}² × 8 B"));
        if (rounded > 0) parts.Add(Text($"rounded weights of {kept} layers {rounded:N0} B"));
        if (mask > 0) parts.Add(Text($"mask {run.Rows} × {run.Length}² × 4 B"));
        parts.Add(Text($"last norm {tokens:N0} × 2 × {model.Hidden} × 4 B"));
        return new(bytes, string.Join(" + ", parts));
    }

    private static MemoryPart Logits(ModelShape model, PlannedRun run)
    {
        var chunk = Math.Min(run.SupervisedTokens ?? run.Rows * run.Length, ChunkedCrossEntropy.TokensPerChunk(model.Vocabulary));
        var bytes = chunk * model.Vocabulary * sizeof(float);
        var formula = Text($"{chunk:N0} tokens of a chunk × {model.Vocabulary:N0} × 4 B");
        if (!TrainsHead(model, run)) return new(bytes, formula);
        // The gradient of the whole head is made before it is added to the others.
        return new(bytes + model.HeadWeights * sizeof(float), Text($"{formula} + the head's gradient {model.HeadWeights:N0} × 4 B"));
    }

    // The dearest moment of the backward pass: the gradients of the MLP's inner tensors and of the stream, and the weight that they are multiplied with. The own node writes
    // those of gate and up over them.
    private static MemoryPart Backward(ModelShape model, PlannedRun run)
    {
        long tokens = run.Rows * run.Length, inner = run.HasOwnNodes ? 1 : 3, width = inner * model.Intermediate + 2 * model.Hidden;
        var largest = model.Linears.Max(l => l.Weights);
        // The gradient of a whole weight, or a part of a frozen one widened.
        var weight = run.Recipe.IsFull ? largest * run.Recipe.GradientBytes : run.ComputeBytes == run.StoredBytes && run.Recipe.Base <= BasePrecision.Bf16 ? 0 : Math.Min(largest, PanelElements) * sizeof(float);
        var bytes = tokens * width * run.ComputeBytes + weight;
        var formula = Text($"{tokens:N0} tokens × ({inner} × {model.Intermediate} + 2 × {model.Hidden}) × {run.ComputeBytes} B + {(run.Recipe.IsFull ? "a weight's gradient" : "a widened panel")} {weight:N0} B");
        if (run.RoundsProducts)
        {
            var rounded = tokens * (model.Intermediate + model.Hidden) * run.ProductBytes!.Value;
            (bytes, formula) = (bytes + rounded, Text($"{formula} + the operand and the result of a product rounded {rounded:N0} B"));
        }
        var scores = 2 * run.Rows * LayerActivations.OfScores(model, run);
        if (scores > 0) (bytes, formula) = (bytes + scores, Text($"{formula} + gradients of scores {scores:N0} B"));
        if (run.CheckpointedLayers < model.Layers) return new(bytes, formula);
        var layer = tokens * LayerActivations.OfToken(model, run).Bytes + scores / 2;
        return new(bytes + layer, Text($"one layer computed again {layer:N0} B + {formula}"));
    }

    private static bool TrainsHead(ModelShape model, PlannedRun run) => run.Recipe.IsFull || run.Adapter?.Selection.ModulesToSave.Any(s => s.Module.Name == model.Names.Head) == true;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
