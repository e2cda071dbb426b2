using System.Diagnostics;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Quantization;
using static TorchSharp.torch;

namespace LowRank.Training.Guards;

/// <summary>How fast a quantized base answers on this machine, and how fast it would in 16 bits.</summary>
/// <param name="FourBit">Tokens a second with the weights as they are.</param>
/// <param name="SixteenBit">Tokens a second with bf16 weights of the same shapes.</param>
internal readonly record struct DecodingSpeed(double FourBit, double SixteenBit)
{
    private static readonly TimeSpan Enough = TimeSpan.FromMilliseconds(15);

    /// <summary>
    /// Times the products of one token with the linear layers, which take most of its time. A shape that occurs many times is timed once, on the first such layer, so that no
    /// more than one matrix exists in 16 bits at a time. Takes a fraction of a second.
    /// </summary>
    public static DecodingSpeed Measure(LanguageModel model)
    {
        var (four, sixteen) = (0.0, 0.0);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var alike in model.Decoder.Slots.OfType<LinearSlot>().Select(s => s.FrozenBase().Weight).GroupBy(w => (w.OutFeatures, w.InFeatures, w.GetType())))
        {
            var weight = alike.First();
            using var x = linspace(-1, 1, weight.InFeatures).unsqueeze(0);
            var seconds = Seconds(weight, x);
            four += alike.Count() * seconds;
            if (weight is DenseWeight) sixteen += alike.Count() * seconds;
            else
            {
                using var dense = new DenseWeight(Widened(weight));
                sixteen += alike.Count() * Seconds(dense, x);
            }
        }
        return new(1 / four, 1 / sixteen);
    }

    // The shortest of several: whatever else the machine does only adds to it.
    private static double Seconds(FrozenWeight weight, Tensor x)
    {
        var (begin, shortest) = (Stopwatch.GetTimestamp(), TimeSpan.MaxValue);
        for (var i = 0; i < 3 || Stopwatch.GetElapsedTime(begin) < Enough; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using (weight.Linear(x)) { }
            var taken = Stopwatch.GetElapsedTime(start);
            if (taken < shortest) shortest = taken;
        }
        return shortest.TotalSeconds;
    }

    private static Tensor Widened(FrozenWeight weight)
    {
        var whole = empty([weight.OutFeatures, weight.InFeatures], ScalarType.BFloat16);
        var panel = Math.Max(1, (4L << 20) / weight.InFeatures);
        for (long start = 0; start < weight.OutFeatures; start += panel)
        {
            using var rows = weight.Dequantize(start, Math.Min(panel, weight.OutFeatures - start));
            using var into = whole.narrow(0, start, rows.shape[0]);
            into.copy_(rows);
        }
        return whole;
    }
}
