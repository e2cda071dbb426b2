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
            // Values are read and written, gradients read, moments read and written.
            Measure("fp32", new AdamWSettings(), 4 + 4 + 4 + 16);
            Measure("8-bit", new AdamWSettings { Kind = OptimizerKind.AdamW8Bit }, 4 + 4 + 4 + 4.0625);
            Measure("fp32 paged, with room", new AdamWSettings { Paging = new OptimizerPaging(folder) }, 4 + 4 + 4 + 16);
            Measure("8-bit paged, with room", new AdamWSettings { Kind = OptimizerKind.AdamW8Bit, Paging = new OptimizerPaging(folder) }, 4 + 4 + 4 + 4.0625);
            Measure("fp32 paged, all of it leaves", new AdamWSettings { Paging = new OptimizerPaging(folder, MemoryLimitBytes: 1 << 20) }, 4 + 4 + 4 + 16);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Measure(string name, AdamWSettings settings, double bytesPerElement)
    {
        using var flat = new FlatParameters([new TrainableParameter("w", zeros(Elements))]);
        using var adam = new AdamW(flat, settings);
        using (no_grad()) flat.Gradients.uniform_(-1, 1);
        var seconds = new List<double>();
        for (var step = 0; step < 7; step++)
        {
            var start = Stopwatch.GetTimestamp();
            adam.Step(1e-3);
            if (step > 0) seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: fastest step {1e3 * seconds.Min():f0} ms, {bytesPerElement * Elements / seconds.Min() / 1e9:f1} GB/s; median {1e3 * seconds.Order().ElementAt(seconds.Count / 2):f0} ms; moved {adam.Traffic?.InBytes >> 20} MiB in, {adam.Traffic?.OutBytes >> 20} MiB out"));
    }
}
