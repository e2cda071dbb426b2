using System.Runtime.Intrinsics;

namespace LowRank.Kernels.Cpu;

/// <summary>bf16 to fp32 over raw memory: a bf16 number is the upper half of an fp32 one.</summary>
internal static unsafe class BFloat16Widen
{
    /// <summary>Widens <paramref name="count"/> numbers.</summary>
    public static void Run(ushort* source, long count, float* target)
    {
        long i = 0;
        for (; i <= count - 16; i += 16)
        {
            var v = Vector256.Load(source + i);
            Vector256.Store((Vector256.WidenLower(v) << 16).AsSingle(), target + i);
            Vector256.Store((Vector256.WidenUpper(v) << 16).AsSingle(), target + i + 8);
        }
        for (; i < count; i++) target[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}
