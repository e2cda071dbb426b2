using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>C1: LoRA with 24 GB or more, for quality, speed and production: what <c>advise</c> recommends for Llama-2-7B.</summary>
internal sealed class LoraChosen : IClaimCheck
{
    public string Id => "C1";

    public Figures Measure(LectureLaboratory laboratory) => new()
    {
        ["lora_24_production"] = Advised.IsLora(Advised.SevenBillion, "24GB", "production"),
        ["lora_24_personal"] = Advised.IsLora(Advised.SevenBillion, "24GB", "personal"),
        ["lora_80_production"] = Advised.IsLora(Advised.SevenBillion, "80GB", "production"),
        ["lora_20_personal"] = Advised.IsLora(Advised.SevenBillion, "20GB", "personal"),
        ["lora_16_production"] = Advised.IsLora(Advised.SevenBillion, "16GB", "production"),
    };

    // In production LoRA is wanted everywhere; where it does not fit, no wish helps.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["lora_80_production"] == 1 && figures["lora_24_production"] == 1 && figures["lora_24_personal"] == 1,
        exactly: figures["lora_16_production"] == 1);
}
