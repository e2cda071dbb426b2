using System.Runtime.CompilerServices;
using LowRank.Adapters;
using LowRank.Adapters.Lora;
using LowRank.Adapters.Many;
using LowRank.Kernels.Cpu.Decoding;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>The addresses of a layer for <see cref="OneTokenDecoder"/>, and what they were taken from, so that a change of the model's layers or adapters is seen.</summary>
internal sealed unsafe class OneTokenLayer : IDisposable
{
    private readonly List<IDisposable> owned = [];
    private readonly List<(LinearSlot Slot, ILinearAdapter? OfRows, Source Seen)> seen = [];
    private readonly NormSlot[] norms;

    private OneTokenLayer(DecoderLayer layer, DecoderMlp mlp)
    {
        norms = [.. layer.Slots().OfType<NormSlot>()];
        Query = Linear(layer.Attention.Projections[0]);
        Key = Linear(layer.Attention.Projections[1]);
        Value = Linear(layer.Attention.Projections[2]);
        QueryKeyValue = [Query, Key, Value];
        Output = Linear(layer.Attention.o_proj);
        Gate = Linear(mlp.gate_proj);
        Up = Linear(mlp.up_proj);
        Down = Linear(mlp.down_proj);
        BeforeAttention = Weights(layer.BeforeAttention);
        BeforeMlp = Weights(layer.BeforeMlp);
        AfterAttention = Weights(layer.AfterAttention);
        AfterMlp = Weights(layer.AfterMlp);
        QueryNorm = Weights(layer.Attention.q_norm);
        KeyNorm = Weights(layer.Attention.k_norm);
    }

    /// <summary>The addresses of a layer of a model that <see cref="OneTokenDecoder.Serves"/>; null where something in it is trained or of another form.</summary>
    public static OneTokenLayer? Of(DecoderLayer layer)
    {
        foreach (var slot in layer.Slots())
        {
            if (slot is NormSlot { IsTrained: true }) return null;
            if (slot is not LinearSlot linear) continue;
            var handled = RowParts(linear) is { } rows ? rows.All(DecodeLinear.Handles) : linear.Module.PartFor() is { } part && DecodeLinear.Handles(part);
            if (!handled) return null;
        }
        return new OneTokenLayer(layer, (DecoderMlp)layer.Mlp);
    }

    /// <summary>The number of rows that it is for, where rows have updates of their own; null for any.</summary>
    public int? Rows => new[] { Query, Key, Value, Output, Gate, Up, Down }.Select(l => l.Rows).FirstOrDefault(r => r is not null);

    public DecodeLinear Query { get; }

    public DecodeLinear Key { get; }

    public DecodeLinear Value { get; }

    /// <summary>The three of them, which have the same input.</summary>
    public DecodeLinear[] QueryKeyValue { get; }

    public DecodeLinear Output { get; }

    public DecodeLinear Gate { get; }

    public DecodeLinear Up { get; }

    public DecodeLinear Down { get; }

    public float* BeforeAttention { get; }

    public float* BeforeMlp { get; }

    /// <summary>Null without this norm, like those below.</summary>
    public float* AfterAttention { get; }

    public float* AfterMlp { get; }

    public float* QueryNorm { get; }

    public float* KeyNorm { get; }

    /// <summary>Whether the layer still is what the addresses were taken from.</summary>
    public bool IsCurrent => Array.TrueForAll(norms, n => !n.IsTrained) && seen.TrueForAll(s => Source.Of(s.Slot, s.OfRows) == s.Seen);

    private DecodeLinear Linear(LinearSlot slot)
    {
        using var scope = NewDisposeScope();
        var linear = RowParts(slot) is { } rows ? DecodeLinear.OfRows(rows) : new DecodeLinear(slot.Module.PartFor()!);
        owned.Add(linear);
        seen.Add((slot, null, Source.Of(slot, null)));
        if (slot.Module is ManyAdaptersLinear many) seen.AddRange(many.OfRows.Select(a => (slot, (ILinearAdapter?)a, Source.Of(slot, a))));
        return linear;
    }

    private static IReadOnlyList<LinearPart>? RowParts(LinearSlot slot) => (slot.Module as ManyAdaptersLinear)?.RowParts;

    // The weight as the norm multiplies by it, in fp32.
    private float* Weights(NormSlot? norm)
    {
        if (norm is null) return null;
        using var scope = NewDisposeScope();
        var weight = ((RmsNorm)norm.Module).Multiplier().contiguous();
        var buffer = new NativeBuffer(weight.numel() * sizeof(float));
        owned.Add(buffer);
        TensorMemory.Elements<float>(weight).CopyTo(new Span<float>(buffer.Pointer, (int)weight.numel()));
        return (float*)buffer.Pointer;
    }

    /// <summary>Frees what is its own.</summary>
    public void Dispose()
    {
        foreach (var o in owned) o.Dispose();
    }

    // The module, its adapter if that is on, and the tensors that its matrices are now. Dropout turns an update into another one.
    private readonly record struct Source(ILinear Module, ILinearAdapter? Adapter, Tensor? A, Tensor? B, bool Drops, TrainableParameter? Bias, AdapterRoute? Route = null)
    {
        /// <summary>Whether these are the same objects. Tensors of TorchSharp are equal where their values are, for which they would be read at every token.</summary>
        public bool Equals(Source other) => ReferenceEquals(Module, other.Module) && ReferenceEquals(Adapter, other.Adapter) && ReferenceEquals(A, other.A) && ReferenceEquals(B, other.B)
            && Drops == other.Drops && ReferenceEquals(Bias, other.Bias) && ReferenceEquals(Route, other.Route);

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(Module);

        public static Source Of(LinearSlot slot, ILinearAdapter? ofRows) => slot.Module switch
        {
            ManyAdaptersLinear many when ofRows is LoraAdapter { Parameters.Count: >= 2 } lora => new(many, lora, lora.Parameters[0].Value, lora.Parameters[1].Value, lora.DropsNow, many.Frozen.TrainedBias, many.Route),
            AdaptedLinear { Enabled: true, Adapter: LoraAdapter { Parameters.Count: >= 2 } lora } adapted => new(adapted, lora, lora.Parameters[0].Value, lora.Parameters[1].Value, lora.DropsNow, adapted.Frozen.TrainedBias),
            AdaptedLinear { Enabled: true } adapted => new(adapted, adapted.Adapter, null, null, false, adapted.Frozen.TrainedBias),
            AdaptedLinear adapted => new(adapted, null, null, null, false, adapted.Frozen.TrainedBias),
            ManyAdaptersLinear { Only: LoraAdapter { Parameters.Count: >= 2 } lora } many => new(many, lora, lora.Parameters[0].Value, lora.Parameters[1].Value, lora.DropsNow, many.Frozen.TrainedBias, many.Route),
            ManyAdaptersLinear many => new(many, many.Only, null, null, false, many.Frozen.TrainedBias, many.Route),
            FrozenLinear frozen => new(frozen, null, null, null, false, frozen.TrainedBias),
            var other => new(other, null, null, null, false, null),
        };
    }
}
