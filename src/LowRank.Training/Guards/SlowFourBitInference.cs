using LowRank.Models;
using TorchSharp;
using static LowRank.Training.Guards.GuardFinding;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E3: the speed of QLoRA's inference is overlooked. When the run is saved, the 4-bit base is timed against the same shapes in 16 bits on this machine; which of
/// the two is faster depends on kernels and memory bandwidth. On a GPU nothing is timed: its products return before they are done.
/// </summary>
/// <param name="measure">Times the two.</param>
internal sealed class SlowFourBitInference(Func<LanguageModel, DecodingSpeed> measure) : IGuard
{
    internal const double Noticeable = 0.9;

    public string Id => GuardIds.SlowFourBitInference;

    public GuardFinding? After(GuardedRun run) => run.Model is { Quantization: not null } model && model.Decoder.Device.type == DeviceType.CPU ? Judge(measure(model)) : null;

    /// <summary>What two speeds mean; null where the 4-bit base is not noticeably slower.</summary>
    public static GuardFinding? Judge(DecodingSpeed speed)
    {
        if (speed.FourBit >= Noticeable * speed.SixteenBit) return null;
        return new(Text($"On this machine the linear layers of the 4-bit base take one token at a time at {speed.FourBit:0.#} tokens/s, in 16 bits at {speed.SixteenBit:0.#}."),
            "A 4-bit weight is decoded at every product; it saves memory, not time, and the adapter over it adds to that.",
            "To serve many requests, use the adapter on the 16-bit model (generate --model MODEL --adapter OUT), or train with --method lora where memory allows.");
    }
}
