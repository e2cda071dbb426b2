using System.Diagnostics;
using LowRank.Runtime.Interop;
using TorchSharp;

namespace LowRank.Runtime.Diagnosis;

/// <summary>Whether libtorch loads, which one it is, and whether it computes.</summary>
internal static class LibTorchChecks
{
    public static IEnumerable<DoctorCheck> All()
    {
        NativeRuntimeInfo info;
        DoctorCheck? failed = null;
        try
        {
            info = NativeRuntime.Load();
        }
        catch (NativeRuntimeException error)
        {
            failed = new("libtorch", error.Message, DoctorStatus.Fail, "The message says what was looked for and what to do.");
            info = null!;
        }
        if (failed is not null)
        {
            yield return failed;
            yield break;
        }
        yield return new("libtorch", $"{info.LibTorchVersion}{(info.HasCudaLibrary ? " with CUDA" : ", CPU only")}, from {info.LibTorchSource}: {info.LibTorchFolder}");
        yield return new("TorchSharp", $"{NativePackageVersions.TorchSharp}, {info.NativePartPath}" + (info.NativePartPatched
            ? $" (a copy that does not ask for {WeakVersionPatch.SymbolVersion}, which this system's libstdc++ lacks and nothing uses)" : ""));
        yield return Copies();
        yield return Computes();
        var missing = AotiTorch.Functions.Where(f => !f.Present).Select(f => f.Name).ToArray();
        yield return !NativeInterop.Enabled ? new("native calls", "off (LOWRANK_NO_INTEROP=1)", DoctorStatus.Warn, "Unset LOWRANK_NO_INTEROP: the calls through TorchSharp are slower.")
            : missing.Length == 0 ? new("native calls", "direct")
            : new("native calls", $"through TorchSharp, because this libtorch does not export {string.Join(", ", missing)}", DoctorStatus.Warn);
        yield return new("threads", $"{TorchThreads.Count} for one operator", Number: TorchThreads.Count);
    }

    private static DoctorCheck Copies()
    {
        using var process = Process.GetCurrentProcess();
        var mapped = new SortedSet<string>(StringComparer.Ordinal);
        foreach (ProcessModule module in process.Modules)
        {
            using (module)
                if (module.FileName is { } path && Path.GetFileName(path) == NativeFileNames.TorchCpu) mapped.Add(path);
        }
        return mapped.Count > 1
            ? new("copies of libtorch", string.Join(", ", mapped), DoctorStatus.Fail,
                "Two copies in one process do not share their state. Call NativeRuntime.Load() before the first use of TorchSharp, and do not reference TorchSharp-cpu beside LOWRANK_TORCH_LIB.", mapped.Count)
            : new("copies of libtorch", "1", Number: 1);
    }

    private static DoctorCheck Computes()
    {
        try
        {
            using var ramp = Scalars.Range(6, torch.float32).reshape(2, 3);
            using var transposed = ramp.t();
            using var product = torch.mm(ramp, transposed);
            using var sum = product.sum();
            var value = sum.item<float>();
            return value == 83 ? new("a matrix product", "right")
                : new("a matrix product", $"gives {value} instead of 83", DoctorStatus.Fail, $"This libtorch does not fit TorchSharp {NativePackageVersions.TorchSharp}. Unset LOWRANK_TORCH_LIB, or restore the packages.");
        }
        catch (Exception error) when (error is TypeInitializationException or NotSupportedException or System.Runtime.InteropServices.ExternalException)
        {
            return new("a matrix product", (error.InnerException ?? error).Message, DoctorStatus.Fail, "Call NativeRuntime.Load() before the first use of TorchSharp.");
        }
    }
}
