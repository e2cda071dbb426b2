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
    // More than the caches of most processors hold, and room for the largest matrix of a model of 8 billion parameters.
    private const long RingElements = 64L << 20;

    private static readonly TimeSpan Enough = TimeSpan.FromMilliseconds(400);

    /// <summary>
    /// Times the products of one token with the linear layers, which take most of its time: all layers one after another, as a token meets them, since a matrix that still lies in a cache is multiplied
    /// many times as fast as one that comes from memory. The 16-bit ones lie in a ring of 128 MiB, which is gone over again and again: what they hold does not matter. Takes about a second, of
    /// a model of billions of parameters some more.
    /// </summary>
    public static DecodingSpeed Measure(LanguageModel model)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var weights = model.Decoder.Slots.OfType<LinearSlot>().Select(s => s.FrozenBase().Weight).ToList();
        var four = Seconds(weights);
        var (place, ring) = (0L, ones(Math.Min(weights.Sum(Elements), Math.Max(RingElements, weights.Max(Elements))), ScalarType.BFloat16));
        var dense = weights.ConvertAll(w =>
        {
            if (w is DenseWeight) return w;
            var start = place + Elements(w) <= ring.NumberOfElements ? place : 0;
            place = start + Elements(w);
            return new DenseWeight(ring.narrow(0, start, Elements(w)).view(w.OutFeatures, w.InFeatures));
        });
        try
        {
            return new(1 / four, 1 / Seconds(dense));
        }
        finally
        {
            foreach (var w in dense.Except(weights)) w.Dispose();
        }
    }

    private static long Elements(FrozenWeight weight) => weight.OutFeatures * weight.InFeatures;

    // The shortest of several rounds: whatever else the machine does only adds to it. In the first ones the code is still being compiled for speed.
    private static double Seconds(List<FrozenWeight> weights)
    {
        var inputs = weights.Select(w => w.InFeatures).Distinct().ToDictionary(n => n, n => linspace(-1, 1, n).unsqueeze(0));
        var (begin, shortest) = (Stopwatch.GetTimestamp(), TimeSpan.MaxValue);
        for (var round = 0; round < 2 || Stopwatch.GetElapsedTime(begin) < Enough; round++)
        {
            var start = Stopwatch.GetTimestamp();
            foreach (var weight in weights)
                using (weight.Linear(inputs[weight.InFeatures])) { }
            var taken = Stopwatch.GetElapsedTime(start);
            if (taken < shortest) shortest = taken;
        }
        return shortest.TotalSeconds;
    }
}
