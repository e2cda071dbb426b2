using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>What a new adapter's random values come from.</summary>
/// <param name="Generator">Of the initial values.</param>
/// <param name="Dropout">Of dropout's masks.</param>
/// <param name="Module">The module's number, which makes its masks its own.</param>
internal sealed record AdapterStart(Generator Generator, Dropout Dropout, int Module);
