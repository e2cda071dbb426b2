using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>What a new adapter's random values come from.</summary>
/// <param name="Generator">Of the initial values.</param>
/// <param name="Dropout">Of dropout's masks.</param>
/// <param name="Module">The module's number, which makes its masks its own.</param>
/// <param name="Original">Gives the weight of a module as it was before it was quantized, fp32 <c>[out, in]</c>, the caller's; null where it is not at hand.</param>
internal sealed record AdapterStart(Generator Generator, Dropout Dropout, int Module, Func<string, Tensor>? Original = null);
