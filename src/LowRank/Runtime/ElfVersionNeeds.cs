using System.Buffers.Binary;
using System.Text;

namespace LowRank.Runtime;

/// <summary>
/// The needed symbol versions (<c>.gnu.version_r</c>) of a 64-bit little-endian ELF shared library in memory. They are found through the dynamic segment, as
/// the system's loader finds them; layout: System V gABI and "Symbol Versioning" of the Linux Standard Base.
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SegmentLoad = 1, SegmentDynamic = 2;
    private const ulong TagStrings = 5, TagVersionNeed = 0x6ffffffe, TagVersionNeedCount = 0x6fffffff;
    private const ushort Weak = 2;

    // ELF, 64 bits, little endian.
    private static ReadOnlySpan<byte> Magic => [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1];

    /// <summary>Sets the weak flag on every entry named <paramref name="version"/>.</summary>
    /// <returns>Whether an entry was changed.</returns>
    /// <exception cref="NativeRuntimeException">The image is not such a library, or is cut off.</exception>
    public static bool MarkWeak(Span<byte> image, string version)
    {
        try
        {
            return Mark(image, Encoding.ASCII.GetBytes(version));
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or OverflowException)
        {
            throw new NativeRuntimeException($"{NativeFileNames.NativePart} is damaged: its symbol version table points outside the file. Restore the package again.", error);
        }
    }

    private static bool Mark(Span<byte> image, ReadOnlySpan<byte> version)
    {
        if (image.Length < 64 || !image.StartsWith(Magic))
            throw new NativeRuntimeException($"{NativeFileNames.NativePart} is not a 64-bit little-endian ELF file. Restore the package again.");
        ulong strings = 0, needs = 0, count = 0;
        var dynamic = FindSegment(image, SegmentDynamic, 0, out var dynamicSize);
        for (var at = dynamic; at + 16 <= dynamic + dynamicSize; at += 16)
        {
            var tag = U64(image, at);
            if (tag == 0) break;
            if (tag == TagStrings) strings = U64(image, at + 8);
            else if (tag == TagVersionNeed) needs = U64(image, at + 8);
            else if (tag == TagVersionNeedCount) count = U64(image, at + 8);
        }
        if (needs == 0 || strings == 0) return false;
        var names = FileOffset(image, strings);
        var changed = false;
        var need = FileOffset(image, needs);
        for (; count > 0; count--)
        {
            // Verneed: version, count of entries (16 bits each), file, first entry, next (32 bits each, offsets from here).
            var entry = checked(need + (int)U32(image, need + 8));
            for (int left = U16(image, need + 2); left > 0; left--)
            {
                // Vernaux: hash (32), flags (16), index (16), name (32), next (32).
                var name = image[checked(names + (int)U32(image, entry + 8))..];
                if (name.StartsWith(version) && name[version.Length] == 0)
                {
                    var flags = U16(image, entry + 4);
                    BinaryPrimitives.WriteUInt16LittleEndian(image[(entry + 4)..], (ushort)(flags | Weak));
                    changed |= (flags & Weak) == 0;
                }
                entry = checked(entry + (int)U32(image, entry + 12));
            }
            need = checked(need + (int)U32(image, need + 12));
        }
        return changed;
    }

    private static int FileOffset(ReadOnlySpan<byte> image, ulong address) => FindSegment(image, SegmentLoad, address, out _);

    // Offset in the file of the dynamic segment, or of an address inside a loaded one.
    private static int FindSegment(ReadOnlySpan<byte> image, uint type, ulong address, out int size)
    {
        var headers = checked((int)U64(image, 32));
        int entrySize = U16(image, 54), count = U16(image, 56);
        for (var i = 0; i < count; i++)
        {
            var at = headers + i * entrySize;
            if (U32(image, at) != type) continue;
            ulong offset = U64(image, at + 8), start = U64(image, at + 16), length = U64(image, at + 32);
            if (type == SegmentLoad && (address < start || address - start >= length)) continue;
            size = checked((int)length);
            return checked((int)(type == SegmentLoad ? offset + (address - start) : offset));
        }
        throw new NativeRuntimeException($"{NativeFileNames.NativePart} is damaged: a program segment is missing. Restore the package again.");
    }

    private static ushort U16(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image[at..]);

    private static uint U32(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image[at..]);

    private static ulong U64(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt64LittleEndian(image[at..]);
}
