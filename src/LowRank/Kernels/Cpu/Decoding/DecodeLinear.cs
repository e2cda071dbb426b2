using System.Runtime.Intrinsics;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Kernels.Cpu.Decoding;

/// <summary>
/// A linear layer of a decoder by addresses, for a few rows at a time: <c>x · Wᵀ + b + s · (x · Aᵀ) · Bᵀ</c>, any slice of its outputs on the calling thread. The update is one for all rows or each row's own.
/// It must not outlive the layer's weight and matrices.
/// </summary>
internal sealed unsafe class DecodeLinear : IDisposable
{
    // Weights of a task: 64 KiB of bf16 ones take a few microseconds, beside which taking a task is nothing and waiting for the last one little.
    private const long TaskElements = 1 << 15;

    private readonly PanelWeight weight;
    private readonly NativeBuffer? bias;
    private readonly Update[] updates;
    private readonly long taskRows;

    /// <summary>Takes the addresses of a layer that <see cref="Handles"/>.</summary>
    public DecodeLinear(LinearPart part) : this(part, [part])
    {
    }

    /// <summary>Takes the addresses of a layer with an update for each row.</summary>
    public static DecodeLinear OfRows(IReadOnlyList<LinearPart> parts) => new(parts[0], parts) { Rows = parts.Count };

    private DecodeLinear(LinearPart part, IReadOnlyList<LinearPart> rows)
    {
        weight = part.Weight.Panels!;
        if (part.Bias is { } given)
        {
            using var wide = given.to(ScalarType.Float32);
            using var dense = wide.contiguous();
            bias = new NativeBuffer(weight.OutFeatures * sizeof(float));
            new ReadOnlySpan<float>(TensorMemory.Floats(dense), (int)weight.OutFeatures).CopyTo(new Span<float>(bias.Pointer, (int)weight.OutFeatures));
        }
        updates = new Update[rows.Count];
        for (var i = 0; i < updates.Length; i++)
            if (rows[i].A is { } a) updates[i] = new Update(TensorMemory.Floats(a), TensorMemory.Floats(rows[i].B!), (float)rows[i].Scale, (int)a.shape[0]);
        Rank = updates.Max(u => u.Rank);
        // Even, since some products take two outputs at once.
        taskRows = Math.Max(16, TaskElements / InFeatures & ~15L);
    }

    /// <summary>Whether a layer can be computed so: its weight and its update lie in the processor's memory, row after row.</summary>
    public static bool Handles(LinearPart part) => part is { Weight.Panels: not null, Factors: null, IsComputed: false } && IsDense(part.A) && IsDense(part.B);

    /// <summary>Columns of the weight.</summary>
    public long InFeatures => weight.InFeatures;

    /// <summary>Rows of the weight.</summary>
    public long OutFeatures => weight.OutFeatures;

    /// <summary>The largest rank of an update; 0 without one.</summary>
    public int Rank { get; }

    /// <summary>The number of rows that it is for; null for any, with one update.</summary>
    public int? Rows { get; private init; }

    /// <summary>The number of pieces that the outputs are computed in.</summary>
    public long Pieces => (OutFeatures + taskRows - 1) / taskRows;

    /// <summary>The outputs of a piece: the first and the one after the last.</summary>
    public (long Start, long End) Piece(long piece) => (piece * taskRows, Math.Min(OutFeatures, (piece + 1) * taskRows));

    /// <summary>The order in which <see cref="Multiply"/> reads its input.</summary>
    public InputOrder Order => weight.Order;

    /// <summary>Computes <c>x · Aᵀ</c>, <c>[rows, rank]</c>; of a lower rank the first columns.</summary>
    public void Lower(float* x, int rows, float* low)
    {
        var n = InFeatures;
        for (var r = 0; r < rows; r++)
        {
            var update = Of(r);
            for (var i = 0; i < update.Rank; i++) low[r * Rank + i] = Dot(x + r * n, update.A + i * n, n);
        }
    }

    /// <summary>Computes a slice of the outputs.</summary>
    /// <param name="x"><c>[rows, in]</c>.</param>
    /// <param name="arranged">As <see cref="PanelWeight.Multiply"/> reads it.</param>
    /// <param name="low">What <see cref="Lower"/> gave; not read without an update.</param>
    /// <param name="rows">Rows, as few as <see cref="FewRows.Most"/>.</param>
    /// <param name="part">First output and the one after the last.</param>
    /// <param name="y">Gets the outputs, <c>[rows, out]</c>.</param>
    public void Multiply(float* x, float* arranged, float* low, int rows, (long Start, long End) part, float* y)
    {
        weight.Multiply(x, arranged, rows, part.Start, part.End, y);
        if (bias is null && Rank == 0) return;
        var added = bias is null ? null : (float*)bias.Pointer;
        for (var r = 0; r < rows; r++)
        {
            var (row, update) = (r * OutFeatures, Of(r));
            for (var o = part.Start; o < part.End; o++)
            {
                if (added is not null) y[row + o] += added[o];
                if (update.Rank > 0) y[row + o] += update.Scale * Dot(low + r * Rank, update.B + o * update.Rank, update.Rank);
            }
        }
    }

    private Update Of(int row) => updates[Rows is null ? 0 : row];

    private static float Dot(float* x, float* y, long n)
    {
        Vector256<float> low = default, high = default;
        var i = 0L;
        for (; i <= n - 16; i += 16)
        {
            low = Vector256.FusedMultiplyAdd(Vector256.Load(x + i), Vector256.Load(y + i), low);
            high = Vector256.FusedMultiplyAdd(Vector256.Load(x + i + 8), Vector256.Load(y + i + 8), high);
        }
        var sum = Vector256.Sum(low + high);
        for (; i < n; i++) sum += x[i] * y[i];
        return sum;
    }

    private static bool IsDense(Tensor? t) => t is null || (t.device_type == DeviceType.CPU && t.dtype == ScalarType.Float32 && t.is_contiguous());

    /// <summary>Frees what is its own.</summary>
    public void Dispose() => bias?.Dispose();

    // A, B and s; the rank is 0 without one.
    private readonly struct Update(float* a, float* b, float scale, int rank)
    {
        public float* A { get; } = a;

        public float* B { get; } = b;

        public float Scale { get; } = scale;

        public int Rank { get; } = rank;
    }
}
