namespace LowRank.Models.Tests;

/// <summary>Tests that count TorchSharp's tensors, whose number is one for the whole process: they run alone.</summary>
[CollectionDefinition(nameof(NativeTensors), DisableParallelization = true)]
public sealed class NativeTensors
{
    /// <summary>Lets finalizers of forgotten tensors run, so that only those that somebody holds are counted.</summary>
    public static void Collect()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
