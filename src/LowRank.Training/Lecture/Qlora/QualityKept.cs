using LowRank.Training.Comparison;
using LowRank.Training.Evaluation;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>Q3: quality is 100 % of full fine-tuning, 99.5 % with LoRA, 99.3 % with QLoRA: the share of full fine-tuning's gain in accuracy, with an interval over the held-out rows.</summary>
internal sealed class QualityKept : IClaimCheck
{
    private const double SaidLora = 0.995, SaidQlora = 0.993;

    // The 97.5th percentile of the normal distribution.
    private const double Deviations = 1.96;

    public string Id => "Q3";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (before, full, lora, qlora) = (MainRuns.Base(laboratory).Answers, MainRuns.Full(laboratory).Answers, MainRuns.Lora(laboratory).Answers, MainRuns.Qlora(laboratory).Answers);
        double[] baseline = Rows(before), reference = Rows(full);
        var (ofLora, ofQlora) = (Bootstrap.GainKept(Rows(lora), baseline, reference), Bootstrap.GainKept(Rows(qlora), baseline, reference));
        // How many rows two accuracies must be measured on, each by itself, until their difference of 0.2 points is as large as its interval.
        var variance = SaidLora * (1 - SaidLora) + SaidQlora * (1 - SaidQlora);
        return new Figures
        {
            ["rows"] = laboratory.HeldOut.Count,
            ["accuracy_base"] = before.Accuracy,
            ["accuracy_full"] = full.Accuracy,
            ["accuracy_lora"] = lora.Accuracy,
            ["accuracy_qlora"] = qlora.Accuracy,
            ["kept_lora"] = ofLora.Value,
            ["kept_lora_low"] = ofLora.Low ?? ofLora.Value,
            ["kept_lora_high"] = ofLora.High ?? ofLora.Value,
            ["kept_qlora"] = ofQlora.Value,
            ["kept_qlora_low"] = ofQlora.Low ?? ofQlora.Value,
            ["kept_qlora_high"] = ofQlora.High ?? ofQlora.Value,
            ["said_lora"] = SaidLora,
            ["said_qlora"] = SaidQlora,
            ["rows_needed"] = Math.Ceiling(Math.Pow(Deviations / (SaidLora - SaidQlora), 2) * variance),
        };
    }

    private static double[] Rows(ExactMatchResult result) => [.. result.Answers.Select(right => right ? 1.0 : 0.0)];

    // Within the intervals the lecture's figures hold; exactly they do where the intervals are narrow enough to tell the two apart.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["kept_lora_high"] >= figures["said_lora"] && figures["kept_qlora_high"] >= figures["said_qlora"],
        exactly: figures["kept_lora_high"] - figures["kept_lora_low"] < 2 * (figures["said_lora"] - figures["said_qlora"]) && figures["kept_lora_low"] <= figures["said_lora"]
            && figures["kept_qlora_low"] <= figures["said_qlora"]);
}
