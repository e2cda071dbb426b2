using LowRank.Formats;
using LowRank.Runtime.Memory;

namespace LowRank.Models.Export;

/// <summary>Writes planned tensors into a GGUF file through two buffers of fixed size, so that the memory does not grow with the model.</summary>
/// <param name="source">The checkpoint.</param>
/// <param name="writer">The file.</param>
internal sealed unsafe class GgufTensorStream(ITensorSource source, GgufWriter writer)
{
    private const long BufferElements = 4 << 20;

    /// <summary>Writes all tensors.</summary>
    /// <param name="planned">The tensors.</param>
    /// <param name="progress">Is told parameters done and parameters in all.</param>
    /// <param name="cancellation">Stops between pieces.</param>
    /// <exception cref="LowRankException">A value cannot be held by the tensor's type, or the file cannot be written.</exception>
    public void Write(IReadOnlyList<PlannedTensor> planned, Action<long, long>? progress, CancellationToken cancellation)
    {
        long done = 0, all = planned.Sum(t => t.Rows * t.Columns);
        var widest = planned.Max(t => t.Columns);
        using var values = new NativeBuffer(Math.Max(BufferElements, widest) * sizeof(float));
        using var blocks = new NativeBuffer(Math.Max(BufferElements, widest) * sizeof(float));
        foreach (var t in planned)
        {
            var piece = Math.Max(1, BufferElements / t.Columns);
            for (long row = 0; row < t.Rows; row += piece)
            {
                cancellation.ThrowIfCancellationRequested();
                var rows = Math.Min(piece, t.Rows - row);
                var count = rows * t.Columns;
                var x = (float*)values.Pointer;
                Read(t, row, rows, x);
                if (GgufQuantizer.FirstUnfit(t.Type, x, count) is >= 0 and var at)
                    throw new LowRankException($"{t.Source!.File}: tensor '{t.Source.Name}' holds {x[at]} (element {row * t.Columns + at} in the order of the GGUF file), which {t.Type} cannot hold. Nothing was written; bf16 and f32 hold every value.");
                GgufQuantizer.Quantize(t.Type, x, count, blocks.Pointer);
                writer.Write(t.Name, blocks.Pointer, count / t.Type.BlockSize() * t.Type.BlockBytes());
                progress?.Invoke(done += count, all);
            }
            if (t.Source is { } read) source.DropPages(read);
        }
    }

    private void Read(PlannedTensor t, long row, long rows, float* to)
    {
        if (t.Values is { } made)
        {
            made.AsSpan((int)row, (int)rows).CopyTo(new Span<float>(to, (int)rows));
            return;
        }
        var (info, columns) = (t.Source!, t.Columns);
        var from = source.Pointer(info);
        var rowBytes = columns * info.Type.ElementSize();
        if (t.HeadRows == 0) GgufDequantizer.Dequantize(info.Type, from + row * rowBytes, rows * columns, to);
        else
            Parallel.For(0, rows, n => GgufDequantizer.Dequantize(info.Type, new ReadOnlySpan<byte>(from + t.SourceRow(row + n) * rowBytes, checked((int)rowBytes)), new Span<float>(to + n * columns, checked((int)columns))));
        if (t.PlusOne)
            for (long i = 0; i < rows * columns; i++) to[i] += 1f;
    }
}
