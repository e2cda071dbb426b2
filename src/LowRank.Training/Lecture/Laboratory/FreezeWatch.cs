using LowRank.Models;
using LowRank.Training.Guards;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>Compares the base of a trained model, as it lies in memory, with one that no run has touched, tensor by tensor, and with the fingerprint of its own loading.</summary>
internal static class FreezeWatch
{
    /// <summary>What became of a model's base.</summary>
    public static FreezeReport Compare(LectureLaboratory laboratory, LanguageModel trained)
    {
        using var untouched = laboratory.Load();
        var (slots, was) = (trained.Decoder.Slots, BaseTensors.Digests(untouched.Decoder.Slots));
        var now = BaseTensors.Digests(slots);
        return new FreezeReport(now.Count, BaseTensors.WithGradient(slots).Count, now.Count(t => was.GetValueOrDefault(t.Key) != t.Value) + was.Keys.Count(name => !now.ContainsKey(name)),
            BaseTensors.Fingerprint(slots).Weights == trained.Fingerprint.Weights);
    }
}
