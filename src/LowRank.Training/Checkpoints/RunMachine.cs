using System.Runtime.InteropServices;
using LowRank.Runtime;

namespace LowRank.Training.Checkpoints;

/// <summary>What the last digits of a run depend on besides its settings and inputs: kernels are chosen by the processor, and sums are libtorch's.</summary>
internal sealed record RunMachine
{
    /// <summary>The processor's name.</summary>
    public required string Processor { get; init; }

    /// <summary>The version of libtorch.</summary>
    public required string LibTorch { get; init; }

    /// <summary>The version of .NET.</summary>
    public required string Framework { get; init; }

    /// <summary>This machine. libtorch is loaded.</summary>
    public static RunMachine Read() => new()
    {
        Processor = ProcessorInfo.Read().Name.Trim(),
        LibTorch = NativeRuntime.Load().LibTorchVersion.ToString(),
        Framework = RuntimeInformation.FrameworkDescription,
    };

    /// <summary>What is different here, each as a text.</summary>
    public IEnumerable<string> Differences(RunMachine other)
    {
        if (Processor != other.Processor) yield return $"processor {Processor}, here {other.Processor}";
        if (LibTorch != other.LibTorch) yield return $"libtorch {LibTorch}, here {other.LibTorch}";
        if (Framework != other.Framework) yield return $"{Framework}, here {other.Framework}";
    }
}
