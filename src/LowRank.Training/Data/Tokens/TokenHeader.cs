using System.Runtime.InteropServices;

namespace LowRank.Training.Data.Tokens;

/// <summary>The first 64 bytes of a token file. Numbers are little-endian. <c>Answers</c> is how many entries a row has: 2 where it may hold a preference.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TokenHeader(long Magic, long Rows, long TableOffset, long NotesOffset, long Length, ulong CheckLow, ulong CheckHigh, long Answers)
{
    /// <summary>"LRTOKEN" and the version of the layout.</summary>
    public const long Expected = 0x02_4E45_4B4F_5452_4C;

    public const int Bytes = 64;
}
