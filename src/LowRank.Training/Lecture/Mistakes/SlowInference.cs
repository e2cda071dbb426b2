using LowRank.Quantization;
using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Mistakes;

/// <summary>E3: QLoRA's slower inference is overlooked: the products of one token with 4-bit weights, timed against 16-bit ones of the same shapes on this machine.</summary>
internal sealed class SlowInference : IClaimCheck
{
    public string Id => "E3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        using var model = laboratory.Load(new FourBitOptions());
        var speed = DecodingSpeed.Measure(model);
        // The guard asks the same question of the same numbers, and is silent about equal ones.
        var (speaksHere, speaksOfEqual) = (Speaks(laboratory, model, speed), Speaks(laboratory, model, new DecodingSpeed(speed.SixteenBit, speed.SixteenBit)));
        return new Figures
        {
            ["four_bit_tokens_per_second"] = speed.FourBit,
            ["sixteen_bit_tokens_per_second"] = speed.SixteenBit,
            ["ratio"] = speed.FourBit / speed.SixteenBit,
            ["guard_here"] = speaksHere ? 1 : 0,
            ["guard_equal"] = speaksOfEqual ? 1 : 0,
        };
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["guard_equal"] == 0 && figures["guard_here"] == (figures["ratio"] < SlowFourBitInference.Noticeable ? 1 : 0),
        exactly: figures["ratio"] < SlowFourBitInference.Noticeable);

    private static bool Speaks(LectureLaboratory laboratory, Models.LanguageModel model, DecodingSpeed speed) =>
        new SlowFourBitInference(_ => speed).After(GuardedExamples.Of(model, laboratory)) is not null;
}
