using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Tools;

/// <summary>Unsloth trains faster and with less memory: where such savings come from, by the plan of a 7B model, and whether results stay the same, by a run.</summary>
internal sealed class Savings : IClaimCheck
{
    private const int Rank = 16, Tokens = 2048;

    public string Id => "Unsloth";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (kept, again) = (SevenBillion.Step(Rank, "all-linear", Tokens), SevenBillion.Step(Rank, "all-linear", Tokens, SevenBillion.Shape.Layers));
        var settings = MainRuns.LoraSettings with { Steps = laboratory.IsTiny ? 24 : 6 };
        var (plain, checkpointed) = (laboratory.Train(settings), laboratory.Train(settings with { IsCheckpointed = true }));
        return new Figures
        {
            ["tokens"] = Tokens,
            ["kept_gb"] = kept.Activations.Bytes / 1e9,
            ["checkpointed_gb"] = again.Activations.Bytes / 1e9,
            ["logits_whole_gb"] = 2.0 * sizeof(float) * Tokens * SevenBillion.Shape.Vocabulary / 1e9,
            ["logits_pieces_gb"] = kept.Logits.Bytes / 1e9,
            ["steps"] = plain.Losses.Count,
            ["difference"] = Math.Abs(plain.HeldOutLoss - checkpointed.HeldOutLoss),
            ["speed"] = checkpointed.TokensPerSecond / plain.TokensPerSecond,
        };
    }

    // Activations that are made again cost time: what saves memory here and what is fast are two things.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["checkpointed_gb"] < figures["kept_gb"] && figures["logits_pieces_gb"] < figures["logits_whole_gb"] && figures["difference"] == 0,
        exactly: figures["speed"] >= 1);
}
