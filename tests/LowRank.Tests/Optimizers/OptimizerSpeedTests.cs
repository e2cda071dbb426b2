using System.Diagnostics;
using System.Globalization;
using LowRank.Layers;
using LowRank.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Optimizers;

/// <summary>The time of a step over as many parameters as SmolLM2-135M has. It measures and judges nothing but that steps end; run it alone: <c>LOWRANK_SOAK=1</c>.</summary>
[Trait("Category", "Speed")]
public sealed class OptimizerSpeedTests(ITestOutputHelper output)
{
    private const long Elements = 134_515_008;

    [Fact]
    public void A_step_of_SmolLM2s_size()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("LOWRANK_SOAK") == "1", "measures only with LOWRANK_SOAK=1");
        var folder = Directory.CreateTempSubdirectory("lowrank-speed-").FullName;
        try
        {
            // A piece in the cache on one thread: its fastest step fits a time slice, so other programs do not slow it.
            foreach (var kind in Enum.GetValues<OptimizerKind>()) Measure($"{kind}, 65,536 elements on one thread", new AdamWSettings { Kind = kind }, 65_536, 2000);
            foreach (var kind in Enum.GetValues<OptimizerKind>())
            {
                Measure($"{kind}", new AdamWSettings { Kind = kind }, Elements, 12);
                Measure($"{kind} paged, with room", new AdamWSettings { Kind = kind, Paging = new OptimizerPaging(folder) }, Elements, 12);
                Measure($"{kind} paged, all of it leaves", new AdamWSettings { Kind = kind, Paging = new OptimizerPaging(folder, MemoryLimitBytes: 1 << 20) }, Elements, 4);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Measure(string name, AdamWSettings settings, long elements, int steps)
    {
        using var flat = new FlatParameters([new TrainableParameter("w", zeros(elements))]);
        using var adam = new AdamW(flat, settings);
        using (no_grad()) flat.Gradients.uniform_(-1, 1);
        var seconds = new List<double>();
        for (var step = 0; step <= steps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            adam.Step(1e-3);
            if (step > 0) seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        // Values and moments are read and written, gradients read.
        var bytes = elements * 3.0 * sizeof(float) + 2.0 * OptimizerFootprint.Of(settings.Kind, paged: false, elements).ResidentBytes;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: fastest step {1e3 * seconds.Min():f3} ms, {1e9 * seconds.Min() / elements:f2} ns an element, {bytes / seconds.Min() / 1e9:f1} GB/s; median {1e3 * seconds.Order().ElementAt(seconds.Count / 2):f3} ms; moved {adam.Traffic?.InBytes >> 20} MiB in, {adam.Traffic?.OutBytes >> 20} MiB out"));
    }
}
