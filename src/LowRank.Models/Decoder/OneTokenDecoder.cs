using System.Runtime.Intrinsics;
using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cpu.Decoding;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// All layers of a decoder for one new token of a few rows over a cache, without a tensor in between: libtorch's threads are called once a token and meet four times a layer
/// (after q, k, v; attention; its output projection and the gated half of the MLP; the rest). What is small, norms and updates' lower halves, each thread computes for itself.
/// Frozen layers and plain low-rank updates on the CPU; the decoder's own operations serve everything else.
/// </summary>
internal sealed unsafe class OneTokenDecoder : IDisposable
{
    private readonly DecoderSpec spec;
    private readonly OneTokenLayer[] layers;
    private readonly bool arranges;
    private readonly int mostRank;

    private OneTokenDecoder(DecoderSpec spec, OneTokenLayer[] layers)
    {
        (this.spec, this.layers) = (spec, layers);
        DecodeLinear[] all = [.. layers.SelectMany(l => new[] { l.Query, l.Key, l.Value, l.Output, l.Gate, l.Up, l.Down })];
        arranges = all.Any(l => l.Order != InputOrder.Plain);
        mostRank = all.Max(l => l.Rank);
        Rows = layers.Select(l => l.Rows).FirstOrDefault(r => r is not null);
    }

    /// <summary>
    /// Whether models of this kind are of the form that is computed here: root-mean-square norms before the blocks, of each head at most; q, k, v, gate and up apart; gated MLPs;
    /// blocks added as they are. Any rope, also none, in any layer.
    /// </summary>
    public static bool Serves(DecoderSpec spec) => spec is
    {
        Norm: NormKind.RootMeanSquare, NormPlacement: not NormPlacement.After, QueryKeyNorm: not QueryKeyNorm.AllHeads,
        FusedQueryKeyValue: false, FusedGateUp: false, GatedMlp: true, Experts: null, ResidualMultiplier: 1, Activation: not Activation.Gelu,
    };

    /// <summary>The decoder of a model as it is now; null where the model or a layer is not of the form.</summary>
    public static OneTokenDecoder? Of(CausalLM model)
    {
        if (!Serves(model.Spec) || model.ActivationType != ScalarType.Float32) return null;
        var layers = new List<OneTokenLayer>();
        foreach (var layer in model.Layers)
        {
            if (OneTokenLayer.Of(layer) is not { } found)
            {
                foreach (var l in layers) l.Dispose();
                return null;
            }
            layers.Add(found);
        }
        return new OneTokenDecoder(model.Spec, [.. layers]);
    }

    /// <summary>Whether a pass is one for this: one new token a row, few rows, no gradients.</summary>
    public static bool Handles(DecoderInput input) =>
        input is { Cache: not null, Places: not null } && input.Ids.shape is [<= FewRows.Most, 1] && !is_grad_enabled() && NativeInterop.Enabled;

    /// <summary>The number of rows that it is for, where each has its own adapter; null for any.</summary>
    public int? Rows { get; }

    /// <summary>Whether the model's layers and adapters are still those that this was made of.</summary>
    public bool IsCurrent => Array.TrueForAll(layers, l => l.IsCurrent);

    /// <summary>Takes the new tokens through all layers; their keys and values are in the cache then.</summary>
    /// <param name="x">Their vectors, fp32 <c>[rows, 1, hidden]</c>, contiguous.</param>
    /// <param name="pass">The pass.</param>
    /// <returns>The states after the last layer, of the same shape.</returns>
    public Tensor Run(Tensor x, DecoderPass pass)
    {
        using var scope = NewDisposeScope();
        var (rows, hidden) = ((int)x.shape[0], (int)spec.HiddenSize);
        var shape = new AttentionShape(rows, 1, (int)spec.Heads, (int)spec.KeyValueHeads, (int)spec.HeadSize, (float)spec.AttentionScale, (float)(spec.AttentionSoftCap ?? 0))
        {
            Keys = (int)pass.Input.CachedPlaces, KeyPlaces = (int)pass.Input.Cache!.Capacity,
        };
        var y = PooledTensor.Empty(x.shape);
        float* from = TensorMemory.Floats(x), to = TensorMemory.Floats(y);
        var rotations = new Rotation[layers.Length];
        var caches = new (nint Keys, nint Values)[layers.Length];
        var firsts = new int[layers.Length][];
        for (var i = 0; i < layers.Length; i++)
        {
            var (keys, values) = pass.Input.Cache.Layer(i);
            caches[i] = (TensorMemory.DataPointer(keys), TensorMemory.DataPointer(values));
            firsts[i] = pass.Input.Layout.Seen(spec.Windows[i])!.First;
            var angles = pass.Angles(i);
            rotations[i] = i > 0 && ReferenceEquals(angles.Cos, pass.Angles(i - 1).Cos) ? rotations[i - 1] : Rotation.Of(angles.Cos.contiguous(), angles.Sin.contiguous());
        }
        var places = pass.Input.Places!;
        using var shared = new SharedRoom(rows, shape, hidden, (int)spec.IntermediateSize);
        Team.Run(member =>
        {
            using var own = new OwnRoom(rows, hidden, Math.Max(Math.Max(hidden, spec.IntermediateSize), shape.QueryRow), mostRank, shape, arranges);
            new ReadOnlySpan<float>(from, rows * hidden).CopyTo(new Span<float>(own.X, rows * hidden));
            for (var i = 0; i < layers.Length; i++)
                fixed (int* first = firsts[i], place = places)
                    Layer(layers[i], member, shared, own, shape, rotations[i], (float*)caches[i].Keys, (float*)caches[i].Values, first, place);
            if (member.IsFirst) new ReadOnlySpan<float>(own.X, rows * hidden).CopyTo(new Span<float>(to, rows * hidden));
        });
        return y.MoveToOuterDisposeScope();
    }

    private void Layer(OneTokenLayer layer, Team.Member member, SharedRoom shared, OwnRoom own, AttentionShape shape, Rotation rotation, float* keys, float* values, int* first, int* places)
    {
        Norm(layer.BeforeAttention, own.X, own.Normed, own.Rows);
        Products(layer.QueryKeyValue, own.Normed, member, [(nint)shared.Queries, (nint)shared.Keys, (nint)shared.Values], own);
        member.Meet();

        TakeQueries(layer, shared, own, shape, rotation);
        while (member.Take(OneQueryKernel.Tasks(shape), out var task)) Attend(layer, task, shared, own, shape, rotation, keys, values, first, places);
        member.Meet();

        for (var row = 0; row < own.Rows; row++) OneQueryKernel.Combine(shape, shared.Parts, row, OneQueryKernel.LastPiece(first, places, row), own.Attended);
        Products([layer.Output], own.Attended, member, [(nint)shared.Projected], own);
        member.Meet();

        Add(layer.AfterAttention, shared.Projected, own);
        Norm(layer.BeforeMlp, own.X, own.Normed, own.Rows);
        Gated(layer, member, shared, own);
        member.Meet();

        Products([layer.Down], shared.Gate, member, [(nint)shared.Projected], own);
        member.Meet();
        Add(layer.AfterMlp, shared.Projected, own);
    }

    // Layers with the same input.
    private static void Products(ReadOnlySpan<DecodeLinear> linears, float* x, Team.Member member, ReadOnlySpan<nint> y, OwnRoom own)
    {
        var pieces = 0L;
        own.Take();
        for (var i = 0; i < linears.Length; i++)
        {
            linears[i].Lower(x, own.Rows, own.Low(i));
            pieces += linears[i].Pieces;
        }
        while (member.Take(pieces, out var piece))
        {
            var i = 0;
            for (; piece >= linears[i].Pieces; i++) piece -= linears[i].Pieces;
            own.Arrange(linears[i].Order, x, linears[i].InFeatures);
            linears[i].Multiply(x, own.Arranged, own.Low(i), own.Rows, linears[i].Piece(piece), (float*)y[i]);
        }
    }

    // A piece of both halves of the MLP, and at once what they give.
    private void Gated(OneTokenLayer layer, Team.Member member, SharedRoom shared, OwnRoom own)
    {
        own.Take();
        layer.Gate.Lower(own.Normed, own.Rows, own.Low(0));
        layer.Up.Lower(own.Normed, own.Rows, own.Low(1));
        while (member.Take(layer.Gate.Pieces, out var piece))
        {
            var part = layer.Gate.Piece(piece);
            own.Arrange(layer.Gate.Order, own.Normed, layer.Gate.InFeatures);
            layer.Gate.Multiply(own.Normed, own.Arranged, own.Low(0), own.Rows, part, shared.Gate);
            own.Arrange(layer.Up.Order, own.Normed, layer.Up.InFeatures);
            layer.Up.Multiply(own.Normed, own.Arranged, own.Low(1), own.Rows, part, shared.Up);
            for (var row = 0; row < own.Rows; row++)
            {
                var at = row * layer.Gate.OutFeatures;
                GatedKernel.Range(spec.Activation == Activation.GeluTanh, shared.Gate, shared.Up, at + part.Start, at + part.End, shared.Gate);
            }
        }
    }

    // A thread's own copy of all queries, normalised and turned.
    private void TakeQueries(OneTokenLayer layer, SharedRoom shared, OwnRoom own, AttentionShape shape, Rotation rotation)
    {
        new ReadOnlySpan<float>(shared.Queries, own.Rows * shape.QueryRow).CopyTo(new Span<float>(own.Queries, own.Rows * shape.QueryRow));
        for (var row = 0; row < own.Rows; row++)
            for (var head = 0; head < shape.Heads; head++)
            {
                var query = own.Queries + (long)row * shape.QueryRow + (long)head * shape.HeadSize;
                if (layer.QueryNorm is not null) RmsNormKernel.Row(query, layer.QueryNorm, spec.NormEpsilon, shape.HeadSize, query);
                RotaryKernel.Head(query, rotation.Cosine + (long)row * rotation.Half, rotation.Sine + (long)row * rotation.Half, rotation.Half);
            }
    }

    // A piece of a row's keys. Whoever has the last one puts the new key, normalised and turned, and its value into the cache; nobody else reads them there.
    private void Attend(OneTokenLayer layer, long task, SharedRoom shared, OwnRoom own, AttentionShape shape, Rotation rotation, float* keys, float* values, int* first, int* places)
    {
        var (row, piece) = OneQueryKernel.TaskOf(shape, task);
        if (piece == OneQueryKernel.LastPiece(first, places, row))
        {
            var (from, place) = (row * shape.KeyRow, (row * shape.KeyPlaces + places[row]) * shape.KeyRow);
            new ReadOnlySpan<float>(shared.Keys + from, shape.KeyRow).CopyTo(new Span<float>(keys + place, shape.KeyRow));
            new ReadOnlySpan<float>(shared.Values + from, shape.KeyRow).CopyTo(new Span<float>(values + place, shape.KeyRow));
            for (var head = 0; head < shape.KeyValueHeads; head++, place += shape.HeadSize)
            {
                if (layer.KeyNorm is not null) RmsNormKernel.Row(keys + place, layer.KeyNorm, spec.NormEpsilon, shape.HeadSize, keys + place);
                RotaryKernel.Head(keys + place, rotation.Cosine + row * rotation.Half, rotation.Sine + row * rotation.Half, rotation.Half);
            }
        }
        OneQueryKernel.Part(shape, own.Queries, keys, values, first, places, task, own.Scores, shared.Parts);
    }

    private void Norm(float* weight, float* x, float* y, int rows)
    {
        var hidden = (int)spec.HiddenSize;
        for (var row = 0; row < rows; row++) RmsNormKernel.Row(x + (long)row * hidden, weight, spec.NormEpsilon, hidden, y + (long)row * hidden);
    }

    // What a block gave, normalised where the model does so, onto this thread's copy of the stream.
    private void Add(float* norm, float* given, OwnRoom own)
    {
        var count = own.Rows * (int)spec.HiddenSize;
        var added = given;
        if (norm is not null)
        {
            Norm(norm, given, own.Normed, own.Rows);
            added = own.Normed;
        }
        var i = 0;
        for (; i <= count - 8; i += 8) (Vector256.Load(own.X + i) + Vector256.Load(added + i)).Store(own.X + i);
        for (; i < count; i++) own.X[i] += added[i];
    }

    /// <summary>Frees what is its own.</summary>
    public void Dispose()
    {
        foreach (var layer in layers) layer.Dispose();
    }

    private readonly struct Rotation(float* cosine, float* sine, int half)
    {
        public static Rotation Of(Tensor cosine, Tensor sine) => new(TensorMemory.Floats(cosine), TensorMemory.Floats(sine), (int)cosine.shape[^1]);

        public float* Cosine { get; } = cosine;

        public float* Sine { get; } = sine;

        public int Half { get; } = half;
    }

    // What all threads read and each writes a part of.
    private sealed class SharedRoom : IDisposable
    {
        private readonly Scratch scratch;

        public SharedRoom(int rows, AttentionShape shape, int hidden, int inner)
        {
            long queries = Aligned((long)rows * shape.QueryRow), keys = Aligned((long)rows * shape.KeyRow), wide = Aligned((long)rows * inner);
            var parts = Aligned(OneQueryKernel.PartFloats(shape));
            scratch = Scratch.Rent(queries + 2 * keys + parts + Aligned((long)rows * hidden) + 2 * wide);
            Queries = scratch.Floats;
            Keys = Queries + queries;
            Values = Keys + keys;
            Parts = Values + keys;
            Gate = Parts + parts;
            Up = Gate + wide;
            Projected = Up + wide;
        }

        public float* Queries { get; }

        public float* Keys { get; }

        public float* Values { get; }

        public float* Parts { get; }

        public float* Gate { get; }

        public float* Up { get; }

        public float* Projected { get; }

        public void Dispose() => scratch.Dispose();
    }

    // What a thread has for itself.
    private sealed class OwnRoom : IDisposable
    {
        // q, k and v.
        private const int MostLayers = 3;

        private readonly Scratch scratch;
        private readonly float* lows;
        private readonly long lower;
        private InputOrder order;

        public OwnRoom(int rows, int hidden, long widest, int rank, AttentionShape shape, bool arranges)
        {
            Rows = rows;
            lower = Aligned((long)rows * rank);
            long stream = Aligned((long)rows * hidden), queries = Aligned((long)rows * shape.QueryRow), scores = Aligned(OneQueryKernel.ScoreFloats(shape));
            scratch = Scratch.Rent(2 * stream + MostLayers * lower + 2 * queries + scores + (arranges ? Aligned(rows * widest) : 0));
            X = scratch.Floats;
            Normed = X + stream;
            lows = Normed + stream;
            Queries = lows + MostLayers * lower;
            Attended = Queries + queries;
            Scores = Attended + queries;
            Arranged = Scores + scores;
        }

        public int Rows { get; }

        public float* X { get; }

        public float* Normed { get; }

        public float* Queries { get; }

        public float* Attended { get; }

        public float* Scores { get; }

        public float* Arranged { get; }

        /// <summary>Room for the input of an update's upper half, of one of the layers that are computed together.</summary>
        public float* Low(int layer) => lows + layer * lower;

        /// <summary>Another input comes.</summary>
        public void Take() => order = InputOrder.Plain;

        /// <summary>Puts the input into an order, once for all layers that read it so.</summary>
        public void Arrange(InputOrder wanted, float* x, long features)
        {
            if (wanted == InputOrder.Plain || wanted == order) return;
            PanelWeight.Arrange(wanted, x, Rows * features, Arranged);
            order = wanted;
        }

        public void Dispose() => scratch.Dispose();
    }

    private static long Aligned(long floats) => (floats + 15) / 16 * 16;
}
