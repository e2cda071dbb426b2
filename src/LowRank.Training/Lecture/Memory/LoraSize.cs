namespace LowRank.Training.Lecture.Memory;

/// <summary>Sizes of a LoRA by the lecture's formula.</summary>
internal static class LoraSize
{
    /// <summary>Bytes of a trained parameter in fp32: itself, its gradient and AdamW's two moments.</summary>
    public const long TrainedBytes = 4 * sizeof(float);

    /// <summary>Parameters of A and B of a module: in·r + r·out.</summary>
    public static long Pair(long inputs, long outputs, long rank) => inputs * rank + rank * outputs;
}
