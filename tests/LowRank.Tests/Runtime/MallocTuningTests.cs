using System.Globalization;
using LowRank.Runtime;
using LowRank.Runtime.Memory;
using TorchSharp;

namespace LowRank.Tests.Runtime;

public sealed class MallocTuningTests
{
    private const int Count = 24;

    [Fact]
    public async Task Resident_memory_is_flat_over_passes_that_keep_and_free_activations()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "glibc's allocator is Linux's");
        var (exit, output) = await ChildProcess.Run(nameof(MallocTuningTests), null);
        Assert.True(exit == 0, output);
        var resident = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => long.Parse(line, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(Count, resident.Length);
        // The bound of DESIGN, decision 16: after a tenth of the passes + 16 MiB. With glibc's own settings it grows by more than 100 MiB here.
        Assert.True(resident[^1] <= resident[Count / 10] + (16 << 20), output);
    }

    /// <summary>In a child process: forward passes that keep three tensors a layer, backward passes that free them in turn; prints resident bytes after each.</summary>
    internal static void Passes()
    {
        NativeRuntime.Load();
        // On a thread of its own, as training is: glibc gives it an arena of its own.
        var thread = new Thread(() =>
        {
            using var noGrad = torch.no_grad();
            using var up = torch.full(576, 1536, 1e-3);
            using var down = torch.full(1536, 576, 1e-3);
            for (var pass = 0; pass < Count; pass++)
            {
                var kept = new List<torch.Tensor> { torch.ones(512, 576) };
                for (var layer = 0; layer < 20; layer++)
                {
                    kept.Add(kept[^1].mm(up));
                    kept.Add(kept[^1].mul(0.5f));
                    kept.Add(kept[^1].mm(down));
                }
                for (var i = kept.Count - 1; i >= 0; i--)
                {
                    using var gradient = kept[i].mul(2f);
                    kept[i].Dispose();
                }
                Console.WriteLine(ProcessMemory.Read().ResidentBytes.ToString(CultureInfo.InvariantCulture));
            }
        });
        thread.Start();
        thread.Join();
    }
}
