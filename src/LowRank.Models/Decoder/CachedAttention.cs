using LowRank.Autograd;
using LowRank.Kernels.Cpu;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>Rope and attention of new tokens over a cache, fp32 on the CPU and without gradients: keys and values are read where they lie, for a single new token and for a whole prompt.</summary>
internal static unsafe class CachedAttention
{
    /// <summary>Whether the tensors and the pass can be taken; else operations of tensors are used.</summary>
    public static bool Handles(DecoderInput input, Tensor q, Tensor k, Tensor v) =>
        input is { Cache: not null, Places: not null } && AttentionNode.Handles(q, k, v) && !AutogradNode.IsNeeded(q, k, v);

    /// <summary>The attention of the new tokens, <c>[batch, count, heads · headSize]</c>; their keys and values are in the cache then.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="layer">Number of the layer.</param>
    /// <param name="q">Queries before their rotation, <c>[batch, count, heads · headSize]</c>; they are rotated where they lie.</param>
    /// <param name="k">Keys before their rotation, <c>[batch, count, keyValueHeads · headSize]</c>, likewise.</param>
    /// <param name="v">Values, as the keys.</param>
    /// <param name="pass">The pass over the cache.</param>
    public static Tensor Attend(DecoderSpec spec, int layer, Tensor q, Tensor k, Tensor v, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var (batch, count) = ((int)pass.Input.Ids.shape[0], (int)pass.Input.Ids.shape[1]);
        var (dq, dk, dv) = (q.contiguous(), k.contiguous(), v.contiguous());
        var angles = pass.Angles(layer);
        var (cosine, sine) = (angles.Cos.contiguous(), angles.Sin.contiguous());
        var (keys, values) = pass.Input.Cache!.Layer(layer);
        var shape = new AttentionShape(batch, count, (int)spec.Heads, (int)spec.KeyValueHeads, (int)spec.HeadSize, (float)spec.AttentionScale, (float)(spec.AttentionSoftCap ?? 0))
        {
            Keys = (int)pass.Input.CachedPlaces, KeyPlaces = (int)keys.shape[1],
        };
        var half = (int)cosine.shape[^1];
        RotaryKernel.Rotate(TensorMemory.Floats(dq), TensorMemory.Floats(cosine), TensorMemory.Floats(sine), (long)batch * count, shape.Heads, shape.HeadSize, half, back: false);
        RotaryKernel.Rotate(TensorMemory.Floats(dk), TensorMemory.Floats(cosine), TensorMemory.Floats(sine), (long)batch * count, shape.KeyValueHeads, shape.HeadSize, half, back: false);
        var places = pass.Input.Places!;
        Store(TensorMemory.Floats(dk), TensorMemory.Floats(keys), shape, places);
        Store(TensorMemory.Floats(dv), TensorMemory.Floats(values), shape, places);
        var output = PooledTensor.Empty([batch, count, shape.QueryRow]);
        fixed (int* first = pass.Input.Layout.Seen(spec.Windows[layer])!.First, place = places)
        {
            if (count == 1) OneQueryKernel.Run(shape, TensorMemory.Floats(dq), TensorMemory.Floats(keys), TensorMemory.Floats(values), first, place, TensorMemory.Floats(output));
            else AttentionKernel.Forward(shape, TensorMemory.Floats(dq), TensorMemory.Floats(keys), TensorMemory.Floats(values), new(first), TensorMemory.Floats(output), null, place);
        }
        return output.MoveToOuterDisposeScope();
    }

    // A row's new tokens follow each other in the cache as they do here.
    private static void Store(float* tokens, float* cache, AttentionShape shape, int[] places)
    {
        var floats = shape.Length * shape.KeyRow;
        for (var row = 0L; row < shape.Batch; row++)
            new ReadOnlySpan<float>(tokens + row * floats, floats).CopyTo(new Span<float>(cache + (row * shape.KeyPlaces + places[row]) * shape.KeyRow, floats));
    }
}
