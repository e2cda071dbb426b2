using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;
using LowRank.Training.Planning;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>Q4: the table of LoRA and QLoRA: bits, memory of a 7 B model, speed, quality, what fits free Colab. Sizes are of Llama-2-7B, speed and quality of the model here.</summary>
internal sealed class MethodTable : IClaimCheck
{
    private const int Rank = 16;
    private const long Tokens = 512;

    public string Id => "Q4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (lora, qlora, start) = (MainRuns.Lora(laboratory), MainRuns.Qlora(laboratory), MainRuns.Base(laboratory));
        double trained = SevenBillion.Trainable(Rank, "qv") * LoraSize.TrainedBytes, step = SevenBillion.StepBytes(Rank, "qv", Tokens);
        double loraBytes = SevenBillion.SixteenBitBytes + trained, qloraBytes = SevenBillion.LinearNf4Bytes + SevenBillion.UnquantizedBytes + trained;
        return new Figures
        {
            ["lora_bits"] = 16,
            ["qlora_bits"] = 8.0 * SevenBillion.LinearNf4Bytes / SevenBillion.Shape.LinearWeights,
            ["lora_gb"] = loraBytes / 1e9,
            ["qlora_gb"] = qloraBytes / 1e9,
            ["colab_gb"] = MemoryBudget.UsableShare * DeviceMemory.Find("colab-free").Bytes / 1e9,
            ["lora_step_gb"] = (loraBytes + step) / 1e9,
            ["qlora_step_gb"] = (qloraBytes + step) / 1e9,
            ["lora_tokens_per_second"] = lora.Experiment.TokensPerSecond,
            ["qlora_tokens_per_second"] = qlora.Experiment.TokensPerSecond,
            ["speed_ratio"] = qlora.Experiment.TokensPerSecond / lora.Experiment.TokensPerSecond,
            ["loss_base"] = start.HeldOutLoss,
            ["loss_lora"] = lora.Experiment.HeldOutLoss,
            ["loss_qlora"] = qlora.Experiment.HeldOutLoss,
            ["here_base_mb_lora"] = lora.BaseBytes / 1e6,
            ["here_base_mb_qlora"] = qlora.BaseBytes / 1e6,
        };
    }

    // "A little slower": by less than half. The lecture's qualities differ by 0.2 points, which no loss of one run can show; a tenth of the gain it can.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["qlora_gb"] < figures["lora_gb"] && figures["qlora_step_gb"] < figures["colab_gb"] && figures["lora_step_gb"] > figures["colab_gb"]
            && figures["loss_base"] - figures["loss_qlora"] > 0.9 * (figures["loss_base"] - figures["loss_lora"]),
        exactly: figures["speed_ratio"] is > 0.5 and < 1 && figures["lora_gb"].IsNear(14, 0.02) && figures["qlora_gb"].IsNear(4, 0.02));
}
