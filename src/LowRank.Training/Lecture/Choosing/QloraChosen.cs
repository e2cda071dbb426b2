using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>C2: QLoRA with 16 GB or less, on free Colab, for prototypes and private projects: what <c>advise</c> recommends for Llama-2-7B, and for a model that is small.</summary>
internal sealed class QloraChosen : IClaimCheck
{
    public string Id => "C2";

    public Figures Measure(LectureLaboratory laboratory) => new()
    {
        ["qlora_16_prototype"] = 1 - Advised.IsLora(Advised.SevenBillion, "16GB", "prototype"),
        ["qlora_16_personal"] = 1 - Advised.IsLora(Advised.SevenBillion, "16GB", "personal"),
        ["qlora_8_personal"] = 1 - Advised.IsLora(Advised.SevenBillion, "8GB", "personal"),
        ["qlora_small_model"] = 1 - Advised.IsLora(laboratory.ModelPath, "16GB", "personal"),
    };

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["qlora_16_prototype"] == 1 && figures["qlora_16_personal"] == 1 && figures["qlora_8_personal"] == 1,
        exactly: figures["qlora_small_model"] == 1);
}
