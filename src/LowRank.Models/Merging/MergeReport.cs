using LowRank.Quantization;

namespace LowRank.Models.Merging;

/// <summary>What a merge did.</summary>
/// <param name="Base">Which weights the adapter was merged into.</param>
/// <param name="BaseReason">Why.</param>
/// <param name="Quantization">The form in which the base's matrices were in training; null for plain weights.</param>
/// <param name="ChangedTensors">Tensors that the adapter changed.</param>
/// <param name="Bytes">Bytes of weights written.</param>
/// <param name="IsHeadSeparate">Whether a head that shared the embedding's weight became one of its own, because only one of the two was changed.</param>
/// <param name="Warnings">What a person should know although it worked.</param>
public sealed record MergeReport(MergeBase Base, string BaseReason, FourBitOptions? Quantization, int ChangedTensors, long Bytes, bool IsHeadSeparate, IReadOnlyList<string> Warnings)
{
    /// <summary>Rows of embedding and head where the adapter brought others than the base has, as after adding tokens; else null.</summary>
    public long? Vocabulary { get; init; }

    /// <summary>Whether the tokenizer was taken from the adapter's folder.</summary>
    public bool IsTokenizerOfAdapter { get; init; }
}
