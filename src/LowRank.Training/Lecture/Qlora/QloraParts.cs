using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;
using LowRank.Training.Planning;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>Q1: QLoRA is LoRA with NF4, double quantization and paged optimizers: each is shown to do what it is for.</summary>
internal sealed class QloraParts : IClaimCheck
{
    public string Id => "Q1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var errors = QuantizationErrors.Of(laboratory);
        var paging = PagingTrial.Run();
        double weights = SevenBillion.Shape.LinearWeights;
        return new Figures
        {
            ["error_nf4"] = errors.Nf4,
            ["error_nf4_double"] = errors.Nf4Double,
            ["error_fp4"] = errors.Fp4,
            ["error_int4"] = errors.Int4,
            ["bits"] = 8 * BaseBytes.Nf4(SevenBillion.Shape, doubleQuantization: false) / weights,
            ["bits_double"] = 8 * SevenBillion.LinearNf4Bytes / weights,
            ["state_mb"] = paging.StateBytes / 1e6,
            ["paged_out_mb"] = paging.OutBytes / 1e6,
            ["paged_in_mb"] = paging.InBytes / 1e6,
            ["paged_equal"] = paging.IsEqual ? 1 : 0,
        };
    }

    // Double quantization is for free where it adds less than a hundredth of the error.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["error_nf4"] < figures["error_fp4"] && figures["bits_double"] < figures["bits"] && figures["paged_equal"] == 1,
        exactly: figures["error_nf4"] < figures["error_int4"] && figures["error_nf4_double"] < 1.01 * figures["error_nf4"] && figures["paged_out_mb"] > 0 && figures["paged_in_mb"] > 0);
}
