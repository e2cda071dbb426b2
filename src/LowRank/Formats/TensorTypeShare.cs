namespace LowRank.Formats;

/// <summary>How much of a checkpoint is stored in one type.</summary>
/// <param name="Type">The type.</param>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Parameters">Number of their elements.</param>
/// <param name="Bytes">Bytes that they take.</param>
public readonly record struct TensorTypeShare(TensorType Type, int Tensors, long Parameters, long Bytes);
