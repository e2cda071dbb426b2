using LowRank.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Merging;

/// <summary>What an adapter does to one tensor of the checkpoint. Its values are read when the tensor's turn comes and freed after it.</summary>
internal abstract class TensorChange : IDisposable
{
    /// <summary>Changes rows of the tensor, fp32, the first of which is row <paramref name="from"/>. A vector's elements are its rows.</summary>
    public abstract void Apply(Tensor rows, long from);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>Reads a tensor of an adapter file: fp32, the caller's.</summary>
    public static Tensor Read(AdapterFolder folder, string name, params ReadOnlySpan<long> shape)
    {
        var key = AdapterKeys.ToKey(name);
        var value = empty(shape, ScalarType.Float32).DetachFromDisposeScope();
        if (folder.TryRead(key, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(value.bytes)))
        {
            if (folder.Weights.TryGet(key, out var read)) folder.Weights.DropPages(read);
            return value;
        }
        value.Dispose();
        throw new AdapterException(folder.Path, $"{key} is missing.");
    }

    /// <summary>An adapted linear layer.</summary>
    public sealed class Adapted(ILinearAdapter adapter) : TensorChange
    {
        public override void Apply(Tensor rows, long from) => adapter.Merge(rows, from);

        public override void Dispose() => adapter.Dispose();
    }

    /// <summary>A low-rank update of a token table: A <c>[r, tokens]</c>, B <c>[width, r]</c>.</summary>
    public sealed class Embedding(Tensor a, Tensor b, double scaling) : TensorChange
    {
        public override void Apply(Tensor rows, long from)
        {
            using var scope = NewDisposeScope();
            rows.addmm_(a.narrow(1, from, rows.shape[0]).t(), b.t(), 1, (float)scaling);
        }

        public override void Dispose()
        {
            a.Dispose();
            b.Dispose();
        }
    }

    /// <summary>Rows of single tokens, which replace those of the table.</summary>
    public sealed class TokenRows(Tensor values, IReadOnlyList<int> tokens) : TensorChange
    {
        public override void Apply(Tensor rows, long from)
        {
            for (var i = 0; i < tokens.Count; i++)
            {
                if (tokens[i] < from || tokens[i] >= from + rows.shape[0]) continue;
                using var target = rows[tokens[i] - from];
                using var value = values[i];
                target.copy_(value);
            }
        }

        public override void Dispose() => values.Dispose();
    }

    /// <summary>A tensor that was trained whole.</summary>
    public sealed class Whole(Tensor value) : TensorChange
    {
        public override void Apply(Tensor rows, long from)
        {
            using var part = value.narrow(0, from, rows.shape[0]);
            rows.copy_(part);
        }

        public override void Dispose() => value.Dispose();
    }

    /// <summary>The bias of an adapted layer, whose new values depend on the base's.</summary>
    public sealed class Bias(ILinearAdapter adapter) : TensorChange
    {
        public override void Apply(Tensor rows, long from)
        {
            using var merged = adapter.MergedBias(rows) ?? throw new InvalidOperationException("The adapter does not change the bias.");
            rows.copy_(merged);
        }

        public override void Dispose() => adapter.Dispose();
    }
}
