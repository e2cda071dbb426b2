using LowRank.Models.Decoder;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives;

/// <summary>
/// Batches on their way through the decoder, one below another: in the form of <see cref="CompactBatch"/> where that saves tokens and changes nothing, else as they are.
/// </summary>
internal sealed class BatchInput : IDisposable
{
    private readonly long[]? places;

    private BatchInput(DecoderInput decoder, int[] rows, long[]? places) => (Decoder, Rows, this.places) = (decoder, rows, places);

    /// <summary>What the decoder reads.</summary>
    public DecoderInput Decoder { get; }

    /// <summary>The rows that each batch has in it.</summary>
    public int[] Rows { get; }

    /// <summary>A batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="noise">The noise on its embedded tokens, whose size follows that of the batch: with it the batch stays as it is.</param>
    /// <param name="isCompact">False leaves it as it is in any case.</param>
    public static BatchInput Of(CausalLM model, Batch batch, EmbeddingNoise? noise = null, bool isCompact = true) =>
        isCompact && noise is null && CanBeCompact(model) && model.RowsDiffer?.Invoke() != true && CompactBatch.Of([batch]) is { } compact ? new(Input(compact, model.Device), [1], compact.Places) : Plain(batch, [batch.Rows], model.Device);

    /// <summary>Several batches, each with an adapter of its own.</summary>
    /// <param name="model">The model.</param>
    /// <param name="batches">The batches.</param>
    /// <param name="all">The same one below another.</param>
    /// <param name="padTokenId">Fills rows that are shorter than the longest.</param>
    public static BatchInput Of(CausalLM model, IReadOnlyList<Batch> batches, Batch all, int padTokenId) =>
        CanBeCompact(model) && CompactBatch.Of(batches, padTokenId) is { } compact ? new(Input(compact, model.Device), [.. batches.Select(_ => 1)], compact.Places) : Plain(all, [.. batches.Select(b => b.Rows)], model.Device);

    /// <summary>The states that predict tokens, <c>[tokens, hidden]</c>, of all that the decoder gave.</summary>
    public Tensor At(Tensor hidden, BatchTokens tokens)
    {
        var stand = places is null ? tokens.Places : Array.ConvertAll(tokens.Places, p => places[p]);
        return hidden.view(-1, hidden.shape[^1]).index_select(0, tensor(stand, device: hidden.device));
    }

    // On other devices attention reads a whole mask, to which one long row costs more than it saves. Dropout's masks follow the places of a batch, and some ropes the length of a sequence.
    private static bool CanBeCompact(CausalLM model) =>
        model.Device.type == DeviceType.CPU && model.DropsOut?.Invoke() != true && !model.Spec.RopeFollowsLength;

    private static BatchInput Plain(Batch batch, int[] rows, Device device) => new(CausalLoss.Input(batch, device), rows, null);

    private static DecoderInput Input(CompactBatch batch, Device device) => DecoderInput.Compact(batch.InputIds, batch.Positions, batch.Starts, batch.Shared, batch.Rows, device);

    /// <inheritdoc/>
    public void Dispose() => Decoder.Dispose();
}
