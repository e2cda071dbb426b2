using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>A tensor that belongs into an adapter file.</summary>
/// <param name="Key">Its name there without PEFT's prefix <c>base_model.model.</c>, such as <c>lm_head.lora_A.weight</c>.</param>
/// <param name="Value">The value: a view without a graph, valid until the next step. Its layout may be transposed.</param>
/// <param name="IsBaseCopy">Whether it is a copy of a base weight, which PEFT stores beside an adapter of an embedding or head.</param>
public sealed record AdapterValue(string Key, Tensor Value, bool IsBaseCopy = false);
