using LowRank.Kernels.Cpu.Gemm;

namespace LowRank.Kernels.Cpu;

/// <summary>The products of attention by <see cref="PackedGemm"/>: a thread packs the keys and values of a head once for all blocks and all query heads that it takes of it.</summary>
internal sealed unsafe class PackedAttention(AttentionShape shape, float* k, float* v) : AttentionProducts
{
    /// <inheritdoc/>
    public override OneThread Enter(bool isBackward) => new Products(shape, k, v, isBackward);

    private sealed class Products : OneThread
    {
        private readonly AttentionShape shape;
        private readonly float* k;
        private readonly float* v;
        private readonly bool isBackward;
        private readonly Scratch scratch;
        private readonly PackedRight turnedKeys;
        private readonly PackedRight others;
        private readonly PackedRight turnedValues;
        private readonly float* rowRoom;
        private readonly float* left;
        private long packed = -1;

        // Forward: keys to multiply with, values to sum. Backward: keys and values to multiply with, keys to sum.
        public Products(AttentionShape shape, float* k, float* v, bool isBackward)
        {
            this.shape = shape;
            this.k = k;
            this.v = v;
            this.isBackward = isBackward;
            var turned = PackedRight.Floats(shape.HeadSize, shape.Keys);
            var straight = PackedRight.Floats(shape.Keys, shape.HeadSize);
            scratch = Scratch.Rent(turned + straight + (isBackward ? turned + straight : 0) + PackedGemm.LeftFloats);
            var at = scratch.Floats;
            turnedKeys = new(at, shape.HeadSize);
            others = new(at += turned, shape.Keys);
            at += straight;
            if (isBackward)
            {
                turnedValues = new(at, shape.HeadSize);
                rowRoom = at += turned;
                at += straight;
            }
            left = at;
        }

        public override void TimesKeys(in AttentionBlock at, float* q, float* scores)
        {
            PackHead(in at);
            turnedKeys.Multiply(new(q, shape.QueryRow), at.Queries, at.FirstKey, at.Keys, 0, shape.HeadSize, scores, at.Row, add: false, left);
        }

        public override void TimesValues(in AttentionBlock at, float* g, float* scores)
        {
            PackHead(in at);
            turnedValues.Multiply(new(g, shape.QueryRow), at.Queries, at.FirstKey, at.Keys, 0, shape.HeadSize, scores, at.Row, add: false, left);
        }

        public override void SumValues(in AttentionBlock at, float* scores, float* o, bool add) => Sum(in at, scores, o, add);

        public override void SumKeys(in AttentionBlock at, float* scores, float* dq, bool add) => Sum(in at, scores, dq, add);

        public override void AddQueries(in AttentionBlock at, float* scores, float* rows, float* sums)
        {
            var block = new PackedRight(rowRoom, at.Queries);
            block.Pack(new DenseRight(rows, shape.QueryRow, isTransposed: false), shape.HeadSize);
            block.Multiply(new(scores, at.Row, isTransposed: true), at.Keys, 0, shape.HeadSize, 0, at.Queries, sums, shape.HeadSize, add: true, left);
        }

        public override void Dispose() => scratch.Dispose();

        private void Sum(in AttentionBlock at, float* scores, float* target, bool add)
        {
            PackHead(in at);
            others.Multiply(new(scores, at.Row), at.Queries, 0, shape.HeadSize, at.FirstKey, at.Keys, target, shape.QueryRow, add, left);
        }

        private void PackHead(in AttentionBlock at)
        {
            if (packed == at.KeyHead) return;
            packed = at.KeyHead;
            var head = at.KeyOffset - (long)at.FirstKey * shape.KeyRow;
            turnedKeys.Pack(new DenseRight(k + head, shape.KeyRow, isTransposed: true), shape.Keys);
            if (isBackward) turnedValues.Pack(new DenseRight(v + head, shape.KeyRow, isTransposed: true), shape.Keys);
            others.Pack(new DenseRight((isBackward ? k : v) + head, shape.KeyRow, isTransposed: false), shape.HeadSize);
        }
    }
}
