using LowRank.Adapters;

namespace LowRank.Training.Guards;

/// <summary>
/// The lecture's E5 and P5: the base is the same after training. Its fingerprint is taken again from memory at the end and compared with the one of its loading; a quantized base,
/// whose fingerprint is of the weights before quantizing, is hashed before the first step as well.
/// </summary>
internal sealed class BaseChanged : IGuard
{
    private BaseFingerprint? before;

    public string Id => GuardIds.BaseChanged;

    public GuardFinding? Before(GuardedRun run)
    {
        if (run is { FreezesBase: true, Model: { } model })
            before ??= BaseTensors.AreQuantized(model.Decoder.Slots) ? BaseTensors.Fingerprint(model.Decoder.Slots) : model.Fingerprint;
        return null;
    }

    public GuardFinding? After(GuardedRun run)
    {
        if (before is null || BaseTensors.Fingerprint(run.Model!.Decoder.Slots) is var now && now.Weights == before.Weights) return null;
        return new($"The base is not what it was before the run: its fingerprint was {before.Weights} and is now {now.Weights}.",
            "An adapter is an update of a base that stays frozen; on the base that you load again, this one will answer differently than it did in training.",
            "Do not use this adapter. Find what writes into the weights of the base (another part of the program, or a defect: report it), and train again.");
    }
}
