using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// A decoder-only language model over a frozen base: the one implementation for all families. Its layers stand in named slots
/// (<see cref="Slots"/>), where adapters replace them. Not thread-safe: one thread uses a model at a time. Disposing it frees the base.
/// </summary>
public sealed class CausalLM : IDisposable
{
    private readonly EmbeddingSlot embedding;
    private readonly DecoderLayer[] layers;
    private readonly NormSlot finalNorm;
    private readonly EmbeddingSlot? positions;
    private readonly RotaryEmbedding[] ropes;
    private readonly int[] ropeOfLayer;
    private OneTokenDecoder? oneToken;

    internal CausalLM(DecoderSpec spec, EmbeddingSlot embedding, EmbeddingSlot? positions, DecoderLayer[] layers, NormSlot finalNorm, LinearSlot head, ScalarType computeType)
    {
        (Spec, this.embedding, this.positions, this.layers, this.finalNorm, Head, ComputeType) = (spec, embedding, positions, layers, finalNorm, head, computeType);
        Device = ((FrozenEmbedding)embedding.Module).Weight.Device;
        var kinds = spec.Ropes.Distinct().ToList();
        (ropes, ropeOfLayer) = ([.. kinds.Select(r => new RotaryEmbedding(r))], [.. spec.Ropes.Select(r => kinds.IndexOf(r))]);
        ActivationType = Device.type == DeviceType.CPU || computeType == ScalarType.Float16 ? ScalarType.Float32 : computeType;
        if (ActivationType != computeType)
            foreach (var slot in layers.SelectMany(l => l.Slots()).Append(head))
                if (slot is LinearSlot { Role: not LinearRole.Router, Module: FrozenLinear frozen }) frozen.Weight.ProductType = computeType;
        Slots = [embedding, .. positions is null ? (ModuleSlot[])[] : [positions], .. layers.SelectMany(l => l.Slots()), finalNorm, head];
        ParameterCount = Slots.Sum(s => s switch
        {
            LinearSlot { IsHead: true } when spec.TiedHead => 0,
            LinearSlot { Module: FrozenLinear f } => f.InFeatures * f.OutFeatures + (f.HasBias ? f.OutFeatures : 0),
            EmbeddingSlot e => e.Module.Rows * e.Module.Features,
            NormSlot n => n.Module.Weight.shape[0] * (n.Module.HasBias ? 2 : 1),
            _ => 0,
        });
    }

    /// <summary>The description that the model was built from.</summary>
    public DecoderSpec Spec { get; }

    /// <summary>The dtype of matrix products.</summary>
    public ScalarType ComputeType { get; }

    /// <summary>
    /// The dtype of what goes from one operation to the next: that of the products, but on the CPU fp32, where norms, attention and activations have kernels in it and
    /// rounding each of their results to bf16 would save no time; and fp32 with products in fp16, whose range holds neither activations nor gradients as they are.
    /// </summary>
    internal ScalarType ActivationType { get; }

    /// <summary>Where the model computes: batches and caches belong there.</summary>
    public Device Device { get; }

    /// <summary>All named places, in the order of Hugging Face's modules.</summary>
    public IReadOnlyList<ModuleSlot> Slots { get; }

    /// <summary>Parameters of the base, a tied head counted once, adapters not counted.</summary>
    public long ParameterCount { get; }

    /// <summary>The output head's place.</summary>
    public LinearSlot Head { get; }

    /// <summary>The hidden states after the last norm, <c>[batch, sequence, hidden]</c>: what the head reads.</summary>
    /// <param name="input">The batch.</param>
    /// <param name="observe">Sees each state that Hugging Face names: the embedding (-1), the output of layer i, and the last norm (the number of layers). For tests.</param>
    public Tensor Hidden(DecoderInput input, Action<int, Tensor>? observe = null) => Hidden(input, observe, null);

    /// <summary>The same, where <paramref name="observeRouter"/> sees the router's logits <c>[tokens, experts]</c> of each layer with experts, for their load-balancing loss.</summary>
    internal Tensor Hidden(DecoderInput input, Action<int, Tensor>? observe, Action<Tensor>? observeRouter)
    {
        using var scope = NewDisposeScope();
        var x = Embed(input);
        observe?.Invoke(-1, x);
        var pass = Begin(input, observeRouter);
        if (observe is null && OneTokenDecoder.Handles(input) && OneToken() is { } oneToken && (oneToken.Rows is not { } rows || rows == input.Ids.shape[0]))
            return finalNorm.Forward(oneToken.Run(x, pass)).MoveToOuterDisposeScope();
        for (var i = 0; i < layers.Length; i++)
        {
            var y = layers[i].Forward(x, pass);
            x.Dispose();
            x = y;
            observe?.Invoke(i, x);
        }
        var normed = finalNorm.Forward(x);
        observe?.Invoke(layers.Length, normed);
        return normed.MoveToOuterDisposeScope();
    }

    // Made when first asked for, and anew when layers or adapters have changed.
    private OneTokenDecoder? OneToken()
    {
        if (oneToken is { IsCurrent: true }) return oneToken;
        oneToken?.Dispose();
        return oneToken = OneTokenDecoder.Of(this);
    }

    /// <summary>The same states, recorded for a backward pass, in which the activations of the first layers are computed again instead of kept.</summary>
    /// <param name="input">The batch; it must outlive the pass.</param>
    /// <param name="checkpointedLayers">How many layers keep their input alone. The results do not depend on it.</param>
    public TrainingPass Train(DecoderInput input, int checkpointedLayers = 0) => new(this, input, checkpointedLayers);

    /// <summary>The same, with noise on the embedded tokens.</summary>
    internal TrainingPass Train(DecoderInput input, int checkpointedLayers, EmbeddingNoise? noise) => new(this, input, checkpointedLayers, noise);

    internal IReadOnlyList<DecoderLayer> Layers => layers;

    /// <summary>Is called on the model's thread before each pass.</summary>
    internal Action? PassBegins { get; set; }

    /// <summary>Whether rows of the next pass use different adapters; null for never.</summary>
    internal Func<bool>? RowsDiffer { get; set; }

    /// <summary>Whether the next pass draws masks of dropout, which follow the places of a batch; null for never.</summary>
    internal Func<bool>? DropsOut { get; set; }

    internal DecoderPass Begin(DecoderInput input, Action<Tensor>? observeRouter = null)
    {
        PassBegins?.Invoke();
        return new DecoderPass(input, ropes, ropeOfLayer, ActivationType, observeRouter);
    }

    internal Tensor Embed(DecoderInput input, EmbeddingNoise? noise = null)
    {
        using var scope = NewDisposeScope();
        var x = embedding.Forward(input.Ids, ActivationType);
        if (noise is { } added) x = added.AddTo(x);
        if (Spec.EmbeddingMultiplier != 1)
        {
            // Hugging Face rounds the multiplier to the compute dtype before it multiplies.
            using var multiplier = tensor((float)Spec.EmbeddingMultiplier, device: x.device).to(ComputeType).to(x.dtype);
            x = x * multiplier;
        }
        if (positions is not null)
        {
            if (input.End() is var end && end > positions.Module.Rows)
                throw new LowRankException($"A sequence of {end} tokens does not fit this {Spec.ModelType} model, which has learned {positions.Module.Rows} positions. Take a smaller --max-length, or shorter prompts and answers.");
            x = x.add(positions.Forward(input.Positions, x.dtype), Scalars.One);
        }
        return x.MoveToOuterDisposeScope();
    }

    internal Tensor Finish(Tensor x) => finalNorm.Forward(x);

    /// <summary>The fp32 logits of hidden states <c>[.., hidden]</c>: <c>[.., vocabulary]</c>. Training never asks for those of a whole batch.</summary>
    public Tensor Logits(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var logits = Head.Forward(hidden).to(ScalarType.Float32);
        if (Spec.LogitDivisor != 1) logits = logits / Scalars.Of(Spec.LogitDivisor);
        if (Spec.LogitSoftCap is { } cap) logits = (logits / Scalars.Of(cap)).tanh() * Scalars.Of(cap);
        return logits.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        oneToken?.Dispose();
        foreach (var slot in Slots) slot.Dispose();
    }
}
