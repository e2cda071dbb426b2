using LowRank.Kernels.Cpu.Gemm;

namespace LowRank.Kernels.Cpu;

/// <summary>The matrix products of attention over the keys and values of one call. <see cref="Enter"/> gives a thread its own.</summary>
internal abstract unsafe class AttentionProducts
{
    /// <summary>Products for these keys and values, by the way that the calling thread takes.</summary>
    /// <param name="shape">Sizes.</param>
    /// <param name="k">Keys, <c>[batch, length, keyValueHeads, headSize]</c>.</param>
    /// <param name="v">Values, as the keys.</param>
    public static AttentionProducts Choose(AttentionShape shape, float* k, float* v) => GemmChoice.IsOwn ? new PackedAttention(shape, k, v) : new LibraryAttention(shape, k, v);

    /// <summary>Products on the calling thread, until it is disposed there.</summary>
    /// <param name="isBackward">Whether those of the backward pass are wanted, or those of the forward pass.</param>
    public abstract OneThread Enter(bool isBackward);

    /// <summary>Products on one thread. Scores are <c>[queries, keys]</c>, <see cref="AttentionBlock.Row"/> floats a row.</summary>
    public abstract class OneThread : IDisposable
    {
        /// <summary>Queries times keys.</summary>
        /// <param name="at">The block.</param>
        /// <param name="q">The block's queries.</param>
        /// <param name="scores">Gets the scores.</param>
        public abstract void TimesKeys(in AttentionBlock at, float* q, float* scores);

        /// <summary>Gradients of the output times values: the gradient of the probabilities.</summary>
        /// <param name="at">The block.</param>
        /// <param name="g">The block's gradients.</param>
        /// <param name="scores">Gets the products.</param>
        public abstract void TimesValues(in AttentionBlock at, float* g, float* scores);

        /// <summary>The values summed by probability.</summary>
        /// <param name="at">The block.</param>
        /// <param name="scores">Probabilities.</param>
        /// <param name="o">Gets the block's outputs.</param>
        /// <param name="add">Whether they are added to what stands there.</param>
        public abstract void SumValues(in AttentionBlock at, float* scores, float* o, bool add);

        /// <summary>The keys summed by score gradient: the gradient of the queries.</summary>
        /// <param name="at">The block.</param>
        /// <param name="scores">Gradients of the scores.</param>
        /// <param name="dq">Gets the gradient of the block's queries.</param>
        /// <param name="add">Whether it is added to what stands there.</param>
        public abstract void SumKeys(in AttentionBlock at, float* scores, float* dq, bool add);

        /// <summary>Adds, for each key, the rows of the queries summed by score: the gradient of keys or values.</summary>
        /// <param name="at">The block.</param>
        /// <param name="scores">Probabilities, or gradients of scores.</param>
        /// <param name="rows">The block's rows: gradients of the output, or queries.</param>
        /// <param name="sums">The sums of the block's keys, <c>[keys, headSize]</c>.</param>
        public abstract void AddQueries(in AttentionBlock at, float* scores, float* rows, float* sums);

        /// <inheritdoc/>
        public abstract void Dispose();
    }
}
