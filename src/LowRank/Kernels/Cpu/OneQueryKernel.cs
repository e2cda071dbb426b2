using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>
/// Attention of one new token a row over cached keys and values, which are read once for all query heads. The keys of a row are taken in pieces of <see cref="Piece"/> places, each with all
/// heads: memory is then read as it lies, and any number of threads shares the work alike. A piece gives its own maximum, sum of exponentials and sums of values, which are put together as
/// FlashDecoding does. Pieces are the same for any number of threads, and so are the results.
/// </summary>
internal static unsafe class OneQueryKernel
{
    /// <summary>Places of a piece.</summary>
    internal const int Piece = 64;

    // Multiply-adds worth a thread.
    private const long Grain = 1 << 14;

    private const int Keys = 4;
    private const int Values = 32;

    // 64 bytes.
    private const int LineFloats = 16;

    /// <summary>Computes the output <c>[batch, heads, headSize]</c>.</summary>
    /// <param name="shape">Sizes; its length is 1.</param>
    /// <param name="q">Queries, <c>[batch, heads, headSize]</c>.</param>
    /// <param name="k">Keys, <c>[batch, places, keyValueHeads, headSize]</c>.</param>
    /// <param name="v">Values, as the keys.</param>
    /// <param name="first">The first key that each row's query sees, <c>[batch]</c>.</param>
    /// <param name="places">The last one, which is its own.</param>
    /// <param name="output">Gets the output.</param>
    public static void Run(AttentionShape shape, float* q, float* k, float* v, int* first, int* places, float* output)
    {
        using var parts = Scratch.Rent(PartFloats(shape));
        var given = parts.Floats;
        var work = (long)Math.Min(shape.Keys, Piece) * shape.QueryRow;
        TorchThreads.Share(Tasks(shape), Math.Max(1, Grain / work), (from, to) =>
        {
            using var scratch = Scratch.Rent(ScoreFloats(shape));
            for (var task = from; task < to; task++) Part(shape, q, k, v, first, places, task, scratch.Floats, given);
        });
        for (var row = 0; row < shape.Batch; row++) Combine(shape, given, row, LastPiece(first, places, row), output);
    }

    /// <summary>Pieces of all rows.</summary>
    public static long Tasks(AttentionShape shape) => (long)shape.Batch * Pieces(shape);

    /// <summary>The row and the piece of a task; a row whose keys end before has none for its last pieces.</summary>
    public static (long Row, int Piece) TaskOf(AttentionShape shape, long task) => (task / Pieces(shape), (int)(task % Pieces(shape)));

    /// <summary>The piece in which a row's own key stands.</summary>
    public static int LastPiece(int* first, int* places, long row) => (places[row] - first[row]) / Piece;

    /// <summary>A piece of the keys of one row, for all heads, on the calling thread.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="q">As in <see cref="Run"/>.</param>
    /// <param name="k">As in <see cref="Run"/>.</param>
    /// <param name="v">As in <see cref="Run"/>.</param>
    /// <param name="first">As in <see cref="Run"/>.</param>
    /// <param name="places">As in <see cref="Run"/>.</param>
    /// <param name="task">Row · pieces + piece.</param>
    /// <param name="scores">Room for <see cref="ScoreFloats"/> numbers.</param>
    /// <param name="parts">Room for <see cref="PartFloats"/> numbers, of which this piece's are written.</param>
    public static void Part(AttentionShape shape, float* q, float* k, float* v, int* first, int* places, long task, float* scores, float* parts)
    {
        var (row, piece) = TaskOf(shape, task);
        int start = first[row] + piece * Piece, count = Math.Min(Piece, places[row] + 1 - start);
        if (count <= 0) return;
        var at = (row * shape.KeyPlaces + start) * shape.KeyRow;
        Scores(shape, q + row * shape.QueryRow, k + at, v + at, count, scores);
        for (var h = 0; h < shape.KeyValueHeads; h++)
        {
            var head = h * shape.Group;
            Group(shape, v + at + h * shape.HeadSize, count, scores + (long)head * Piece, parts + (task * shape.Heads + head) * PartRow(shape));
        }
    }

    /// <summary>Puts the pieces of a row together.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="parts">What <see cref="Part"/> gave for all pieces up to the last.</param>
    /// <param name="row">The row.</param>
    /// <param name="last">Its <see cref="LastPiece"/>.</param>
    /// <param name="output"><c>[batch, heads, headSize]</c>, of which the row's are written.</param>
    public static void Combine(AttentionShape shape, float* parts, long row, int last, float* output)
    {
        int size = shape.HeadSize, partRow = PartRow(shape);
        var step = (long)shape.Heads * partRow;
        for (var head = 0; head < shape.Heads; head++)
        {
            var part = parts + row * Pieces(shape) * step + (long)head * partRow;
            var o = output + (row * shape.Heads + head) * size;
            var max = part[size];
            for (var piece = 1; piece <= last; piece++) max = MathF.Max(max, part[piece * step + size]);
            var sum = 0f;
            new Span<float>(o, size).Clear();
            for (var piece = 0; piece <= last; piece++, part += step)
            {
                var factor = MathF.Exp(part[size] - max);
                sum += factor * part[size + 1];
                var i = 0;
                for (; i <= size - 8; i += 8) Vector256.FusedMultiplyAdd(Vector256.Create(factor), Vector256.Load(part + i), Vector256.Load(o + i)).Store(o + i);
                for (; i < size; i++) o[i] += factor * part[i];
            }
            AttentionKernel.Multiply(o, size, 1 / sum);
        }
    }

    /// <summary>Room that the scores of a piece take.</summary>
    public static long ScoreFloats(AttentionShape shape) => (long)Piece * shape.Heads;

    /// <summary>Room that what the pieces give takes.</summary>
    public static long PartFloats(AttentionShape shape) => Tasks(shape) * shape.Heads * PartRow(shape);

    // Of a head: its sums of values, the maximum of its scores, the sum of the exponentials.
    private static int PartRow(AttentionShape shape) => shape.HeadSize + 8;

    private static int Pieces(AttentionShape shape) => (shape.Keys + Piece - 1) / Piece;

    // [heads, Piece]. The keys are read as they lie; the next ones are asked for meanwhile, and the values, of which each head takes its own part later.
    private static void Scores(AttentionShape shape, float* q, float* k, float* v, int count, float* scores)
    {
        var size = shape.HeadSize;
        for (var i = 0; i < count; i += Keys)
        {
            int keys = Math.Min(Keys, count - i), row = shape.KeyRow;
            var key = k + (long)i * row;
            if (Sse.IsSupported)
            {
                float* next = key + Keys * row, value = v + (long)i * row;
                for (var at = 0; at < keys * row; at += LineFloats)
                {
                    Sse.Prefetch0(next + at);
                    Sse.Prefetch1(value + at);
                }
            }
            for (var head = 0; head < shape.Heads; head++) Dots(q + head * size, key + head / shape.Group * size, row, keys, size, scores + head * Piece + i);
        }
    }

    private static void Group(AttentionShape shape, float* v, int count, float* scores, float* part)
    {
        int size = shape.HeadSize, partRow = PartRow(shape);
        for (var g = 0; g < shape.Group; g++)
        {
            var own = scores + g * Piece;
            AttentionKernel.Scale(own, count, shape);
            var max = part[g * partRow + size] = VectorMath.Max(own, count);
            part[g * partRow + size + 1] = AttentionKernel.Exponentials(own, 0, count, count, max);
        }
        for (var g = 0; g < shape.Group; g += 2)
            for (var d = 0; d < size; d += Values)
                Sums(scores + g * Piece, g + 1 < shape.Group ? Piece : 0, v + d, shape.KeyRow, count, Math.Min(Values, size - d), part + g * partRow + d, g + 1 < shape.Group ? partRow : 0);
    }

    // Four keys at once: their sums are put together in one vector instead of each by itself.
    private static void Dots(float* q, float* k, int row, int keys, int n, float* scores)
    {
        // Keys past the end are the last one again.
        float* k1 = k + (long)Math.Min(1, keys - 1) * row, k2 = k + (long)Math.Min(2, keys - 1) * row, k3 = k + (long)(keys - 1) * row;
        Vector256<float> a = default, b = default, c = default, d = default;
        var i = 0;
        for (; i <= n - 8; i += 8)
        {
            var x = Vector256.Load(q + i);
            a = Vector256.FusedMultiplyAdd(x, Vector256.Load(k + i), a);
            b = Vector256.FusedMultiplyAdd(x, Vector256.Load(k1 + i), b);
            c = Vector256.FusedMultiplyAdd(x, Vector256.Load(k2 + i), c);
            d = Vector256.FusedMultiplyAdd(x, Vector256.Load(k3 + i), d);
        }
        var sums = FourSums(a, b, c, d);
        for (; i < n; i++) sums += q[i] * Vector128.Create(k[i], k1[i], k2[i], k3[i]);
        if (keys == Keys) sums.Store(scores);
        else for (i = 0; i < keys; i++) scores[i] = i == keys - 1 ? sums[3] : sums[i];
    }

    private static Vector128<float> FourSums(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        if (!Avx.IsSupported) return Vector128.Create(Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d));
        var sums = Avx.HorizontalAdd(Avx.HorizontalAdd(a, b), Avx.HorizontalAdd(c, d));
        return sums.GetLower() + sums.GetUpper();
    }

    // The values of all keys summed by their probabilities, for two queries of a group (one where the second's distance is 0) and at most 32 places of the head, which stay in registers.
    private static void Sums(float* p, int row, float* v, int valueRow, int count, int n, float* o, int next)
    {
        if (n == Values)
        {
            Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            for (var i = 0; i < count; i++, v += valueRow)
            {
                Vector256<float> x = Vector256.Create(p[i]), y = Vector256.Create(p[row + i]);
                Vector256<float> v0 = Vector256.Load(v), v1 = Vector256.Load(v + 8), v2 = Vector256.Load(v + 16), v3 = Vector256.Load(v + 24);
                a0 = Vector256.FusedMultiplyAdd(x, v0, a0);
                a1 = Vector256.FusedMultiplyAdd(x, v1, a1);
                a2 = Vector256.FusedMultiplyAdd(x, v2, a2);
                a3 = Vector256.FusedMultiplyAdd(x, v3, a3);
                b0 = Vector256.FusedMultiplyAdd(y, v0, b0);
                b1 = Vector256.FusedMultiplyAdd(y, v1, b1);
                b2 = Vector256.FusedMultiplyAdd(y, v2, b2);
                b3 = Vector256.FusedMultiplyAdd(y, v3, b3);
            }
            Store(a0, a1, a2, a3, o);
            if (next != 0) Store(b0, b1, b2, b3, o + next);
            return;
        }
        for (var d = 0; d < n; d++)
        {
            float a = 0, b = 0;
            for (var i = 0; i < count; i++)
            {
                var value = v[(long)i * valueRow + d];
                a += p[i] * value;
                b += p[row + i] * value;
            }
            o[d] = a;
            if (next != 0) o[next + d] = b;
        }
    }

    private static void Store(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* target)
    {
        a.Store(target);
        b.Store(target + 8);
        c.Store(target + 16);
        d.Store(target + 24);
    }
}
