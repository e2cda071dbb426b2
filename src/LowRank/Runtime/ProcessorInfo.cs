using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace LowRank.Runtime;

/// <summary>The processor, as far as it decides which kernels run.</summary>
public sealed record ProcessorInfo
{
    /// <summary>The maker's name of the model, such as <c>AMD EPYC 9004</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Logical processors that this process may use (affinity and container limits counted).</summary>
    public required int LogicalCores { get; init; }

    /// <summary>Vector and matrix extensions that matter here and are present, such as <c>AVX2</c>, <c>AVX512_BF16</c>, <c>AMX_BF16</c>.</summary>
    public required IReadOnlyList<string> Extensions { get; init; }

    /// <summary>Reads it.</summary>
    public static ProcessorInfo Read() => new()
    {
        Name = X86Base.IsSupported ? BrandString() : RuntimeInformation.ProcessArchitecture.ToString(),
        LogicalCores = Environment.ProcessorCount,
        Extensions = ReadExtensions(),
    };

    /// <summary>Whether AMD made the processor.</summary>
    internal static bool IsAmd { get; } = X86Base.IsSupported && X86Base.CpuId(0, 0) is { Ebx: AuthA, Edx: AuthB, Ecx: AuthC };

    // "AuthenticAMD", four letters a register.
    private const int AuthA = 0x68747541;
    private const int AuthB = 0x69746E65;
    private const int AuthC = 0x444D4163;

    private static List<string> ReadExtensions()
    {
        var found = new List<string>();
        void Add(bool present, string name)
        {
            if (present) found.Add(name);
        }

        Add(AdvSimd.IsSupported, "NEON");
        Add(Avx2.IsSupported, "AVX2");
        Add(Fma.IsSupported, "FMA");
        Add(Avx512F.IsSupported, "AVX512");
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return found;
        // .NET has no flag for these two. Intel SDM vol. 2, CPUID leaf 7: subleaf 1 EAX bit 5; subleaf 0 EDX bits 22 (AMX-BF16) and 24 (AMX-TILE).
        Add(Avx512F.IsSupported && (X86Base.CpuId(7, 1).Eax >> 5 & 1) == 1, "AVX512_BF16");
        var edx = X86Base.CpuId(7, 0).Edx;
        Add(Avx512F.IsSupported && (edx >> 22 & 1) == 1 && (edx >> 24 & 1) == 1, "AMX_BF16");
        return found;
    }

    // CPUID leaves 0x80000002 to 0x80000004: 48 ASCII characters, padded with NUL.
    private static string BrandString()
    {
        if (unchecked((uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax) < 0x80000004) return "x86-64";
        var words = new int[12];
        for (var leaf = 0; leaf < 3; leaf++)
            (words[4 * leaf], words[4 * leaf + 1], words[4 * leaf + 2], words[4 * leaf + 3]) = X86Base.CpuId(unchecked((int)0x80000002) + leaf, 0);
        return Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words.AsSpan())).Trim('\0', ' ');
    }
}
