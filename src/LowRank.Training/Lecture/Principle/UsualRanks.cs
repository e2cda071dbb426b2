using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P6: ranks of 8 to 64 are usual: what they cost in a model of 7 billion parameters, and in the one that stands here.</summary>
internal sealed class UsualRanks : IClaimCheck
{
    // What full fine-tuning begins with, for LowRank's guard base-trainable.
    private const double SmallShare = BaseTrainable.Share;

    public string Id => "P6";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var figures = new Figures();
        foreach (var rank in (int[])[8, 16, 32, 64])
        {
            var trainable = SevenBillion.Trainable(rank, "all-linear");
            figures[$"trainable_rank_{rank}"] = trainable;
            figures[$"share_rank_{rank}"] = (double)trainable / (SevenBillion.Parameters + trainable);
            figures[$"bytes_rank_{rank}"] = trainable * LoraSize.TrainedBytes;
            var here = AdapterCount.Of(laboratory, rank, "all-linear");
            figures[$"here_trainable_rank_{rank}"] = here.Counted;
            figures[$"here_share_rank_{rank}"] = (double)here.Counted / here.All;
        }
        return figures;
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["share_rank_64"] < SmallShare && figures["trainable_rank_64"] == 8 * figures["trainable_rank_8"],
        exactly: figures["here_share_rank_64"] < SmallShare);
}
