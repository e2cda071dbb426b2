using LowRank.Layers;
using LowRank.Models;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>What a model's matrices take as they are stored.</summary>
internal static class StoredBytes
{
    /// <summary>Bytes of all frozen matrices; those of trained ones, which are fp32.</summary>
    public static long Of(LanguageModel model) => model.Decoder.Slots.Sum(slot => slot switch
    {
        LinearSlot { IsHead: true } when model.Decoder.Spec.TiedHead => 0,
        LinearSlot { Module: TrainedLinear trained } => trained.Weight.Count * sizeof(float),
        LinearSlot linear => linear.FrozenBase().Weight.StoredBytes,
        EmbeddingSlot { Module: TrainedEmbedding table } => table.Weight.Count * sizeof(float),
        EmbeddingSlot embedding => embedding.FrozenBase().Weight.StoredBytes,
        _ => 0,
    });
}
