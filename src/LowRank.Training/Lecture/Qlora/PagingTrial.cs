using System.Runtime.InteropServices;
using LowRank.Layers;
using LowRank.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>AdamW with moments in memory beside AdamW whose moments must leave it after each part of a step.</summary>
/// <param name="StateBytes">Bytes of the moments.</param>
/// <param name="OutBytes">Bytes that left memory in the last step; 0 where the system keeps the file in memory all the same.</param>
/// <param name="InBytes">Bytes that came back.</param>
/// <param name="IsEqual">Whether all values are the same bits.</param>
internal sealed record PagingTrial(long StateBytes, long OutBytes, long InBytes, bool IsEqual)
{
    private const int Elements = 1 << 20, Steps = 3;

    /// <summary>Takes some steps with the same random gradients.</summary>
    public static PagingTrial Run()
    {
        var paging = new OptimizerPaging(Path.GetTempPath());
        // No room at all: every window is written back behind its update.
        var (resident, _) = Values(null, null);
        var (paged, traffic) = Values(paging, layout => new PagedState(layout, paging, room: () => 0, margin: 1));
        return new PagingTrial(2L * Elements * sizeof(float), traffic.OutBytes, traffic.InBytes, resident.AsSpan().SequenceEqual(paged));
    }

    private static (float[] Values, PagingTraffic Traffic) Values(OptimizerPaging? paging, Func<MomentLayout, OptimizerState>? state)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using var parameter = new TrainableParameter("weight", randn([1024, Elements / 1024], generator: generator));
        using var flat = new FlatParameters([parameter]);
        using var optimizer = new AdamW(flat, new AdamWSettings { Paging = paging }, null, vectorised: true, state);
        for (var step = 0; step < Steps; step++)
        {
            using (no_grad()) flat.Gradients.copy_(randn([flat.Length], generator: generator));
            optimizer.Step(1e-3);
        }
        return (MemoryMarshal.Cast<byte, float>(flat.Values.bytes).ToArray(), optimizer.Traffic ?? default);
    }
}
