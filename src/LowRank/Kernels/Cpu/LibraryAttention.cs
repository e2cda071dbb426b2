using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu;

/// <summary>The products of attention by <see cref="SingleThreadGemm"/>.</summary>
internal sealed unsafe class LibraryAttention(AttentionShape shape, float* k, float* v) : AttentionProducts
{
    private readonly SingleThreadGemm gemm = SingleThreadGemm.Create();

    /// <inheritdoc/>
    public override OneThread Enter(bool isBackward) => new Products(shape, k, v, gemm);

    private sealed class Products(AttentionShape shape, float* k, float* v, SingleThreadGemm gemm) : OneThread
    {
        private readonly int before = gemm.KeepAlone();

        public override void TimesKeys(in AttentionBlock at, float* q, float* scores) =>
            gemm.TimesTransposed(at.Queries, at.Keys, shape.HeadSize, q, shape.QueryRow, k + at.KeyOffset, shape.KeyRow, scores, at.Row);

        public override void TimesValues(in AttentionBlock at, float* g, float* scores) =>
            gemm.TimesTransposed(at.Queries, at.Keys, shape.HeadSize, g, shape.QueryRow, v + at.KeyOffset, shape.KeyRow, scores, at.Row);

        public override void SumValues(in AttentionBlock at, float* scores, float* o, bool add) =>
            gemm.Times(at.Queries, shape.HeadSize, at.Keys, scores, at.Row, v + at.KeyOffset, shape.KeyRow, add, o, shape.QueryRow);

        public override void SumKeys(in AttentionBlock at, float* scores, float* dq, bool add) =>
            gemm.Times(at.Queries, shape.HeadSize, at.Keys, scores, at.Row, k + at.KeyOffset, shape.KeyRow, add, dq, shape.QueryRow);

        public override void AddQueries(in AttentionBlock at, float* scores, float* rows, float* sums) =>
            gemm.TransposedTimesAdd(at.Keys, shape.HeadSize, at.Queries, scores, at.Row, rows, shape.QueryRow, sums, shape.HeadSize);

        public override void Dispose() => gemm.GiveBack(before);
    }
}
