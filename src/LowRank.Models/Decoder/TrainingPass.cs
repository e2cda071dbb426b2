using LowRank.Autograd;
using LowRank.Runtime;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// A forward pass that is recorded for a backward pass. Of the first layers only the input is kept and the rest computed again when the gradient arrives
/// (gradient checkpointing, arXiv:1604.06174): a layer's operations are the same both times, so the gradients are equal bit for bit.
/// It is the first layers and not the last because the activations of the layers above are freed by the time that these are computed again.
/// </summary>
public sealed class TrainingPass : IDisposable
{
    /// <summary>
    /// Tensors below a megabyte lie in the C library's heap, whose aligned allocations cannot use the place of a freed tensor of the same size: what a layer computes and drops would
    /// stay resident beside what is kept, 180 MB for 224 tokens of SmolLM2. The free pages go back after so many layers; the page faults of their return cost less than 2 % of a step.
    /// </summary>
    private const int LayersBetweenReturns = 4;

    private readonly DecoderPass pass;
    private readonly Stack<CheckpointedLayer> checkpointed = [];
    private readonly List<Tensor> kept = [];
    private readonly Tensor? embedded;

    internal TrainingPass(CausalLM model, DecoderInput input, int checkpointedLayers, EmbeddingNoise? noise = null)
    {
        using var scope = NewDisposeScope();
        try
        {
            pass = model.Begin(input);
            foreach (var angles in pass.Tensors) Keep(angles);
            var x = model.Embed(input, noise);
            if (checkpointedLayers > 0 && x.requires_grad)
            {
                embedded = Keep(x);
                x = Keep(Leaf(x));
            }
            for (var i = 0; i < model.Layers.Count; i++)
            {
                if (i % LayersBetweenReturns == 0) MallocTuning.ReturnFreedPages();
                x = i < checkpointedLayers ? Checkpointed(model.Layers[i], x) : Recorded(model.Layers[i], x, isKept: i == checkpointedLayers);
            }
            Hidden = Keep(model.Finish(x));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private Tensor Recorded(DecoderLayer layer, Tensor x, bool isKept)
    {
        var y = layer.Forward(x, pass);
        // The graph holds what it needs. The first of these reads a state of a checkpointed layer, whose gradient is asked for later.
        if (!isKept) x.Dispose();
        return y;
    }

    private Tensor Checkpointed(DecoderLayer layer, Tensor x)
    {
        Tensor y;
        using (no_grad()) y = layer.Forward(x, pass);
        if (!x.requires_grad && !layer.IsTrained)
        {
            x.Dispose();
            return y;
        }
        var leaf = Keep(Leaf(y));
        y.Dispose();
        checkpointed.Push(new CheckpointedLayer(layer, Keep(x), leaf));
        return leaf;
    }

    /// <summary>The hidden states after the last norm, <c>[batch, sequence, hidden]</c>.</summary>
    public Tensor Hidden { get; }

    /// <summary>Adds the gradients of the model's trained parameters to theirs. Called once.</summary>
    /// <param name="output">What was computed from <see cref="Hidden"/>.</param>
    /// <param name="gradient">The gradient of <paramref name="output"/>, of its shape.</param>
    public void Backward(Tensor output, Tensor gradient)
    {
        // With adapters on the head alone nothing below it is trained.
        if (!output.requires_grad) return;
        BackwardPass.Run(output, gradient);
        Tensor? bottom = null;
        while (checkpointed.TryPop(out var step))
        {
            using var layer = NewDisposeScope();
            var arrived = TakeGradient(step.Output);
            step.Output.Dispose();
            BackwardPass.Run(step.Layer.Forward(step.Input, pass), arrived);
            bottom = step.Input;
        }
        if (embedded is null || bottom is null) return;
        using var reached = TakeGradient(bottom);
        BackwardPass.Run(embedded, reached);
    }

    private Tensor Keep(Tensor x)
    {
        if (!kept.Exists(k => ReferenceEquals(k, x))) kept.Add(x.DetachFromDisposeScope());
        return x;
    }

    private static Tensor Leaf(Tensor x) => x.detach().requires_grad_(true);

    private static Tensor TakeGradient(Tensor leaf)
    {
        var gradient = leaf.grad ?? throw new InvalidOperationException("No gradient arrived at a checkpointed layer.");
        leaf.grad = null;
        return gradient;
    }

    /// <summary>Frees what the pass kept.</summary>
    public void Dispose()
    {
        foreach (var x in kept) x.Dispose();
    }

    private readonly record struct CheckpointedLayer(DecoderLayer Layer, Tensor Input, Tensor Output);
}
