using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using LowRank.Runtime;

namespace LowRank.Tests.Runtime;

public sealed class WeakVersionPatchTests
{
    // The least library that has what the patch reads: a loaded segment over the whole file, a dynamic segment, strings and one
    // needed file with two versions. Offsets: 64 program headers, 256 dynamic, 384 strings, 512 needed versions.
    private static byte[] Library()
    {
        var image = new byte[640];
        void U16(int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), value);
        void U32(int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), value);
        void U64(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at), value);
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(image);
        U64(32, 64);
        U16(54, 56);
        U16(56, 2);
        const ulong address = 0x1000;
        (U32Pair, ulong Offset, ulong Address, ulong Size)[] segments = [(new(1), 0, address, 640), (new(2), 256, address + 256, 64)];
        for (var i = 0; i < segments.Length; i++)
        {
            U32(64 + 56 * i, segments[i].Item1.Type);
            U64(64 + 56 * i + 8, segments[i].Offset);
            U64(64 + 56 * i + 16, segments[i].Address);
            U64(64 + 56 * i + 32, segments[i].Size);
        }
        (ulong Tag, ulong Value)[] dynamic = [(5, address + 384), (0x6ffffffe, address + 512), (0x6fffffff, 1), (0, 0)];
        for (var i = 0; i < dynamic.Length; i++)
        {
            U64(256 + 16 * i, dynamic[i].Tag);
            U64(256 + 16 * i + 8, dynamic[i].Value);
        }
        Encoding.ASCII.GetBytes("\0libstdc++.so.6\0GLIBCXX_3.4.32\0GLIBCXX_3.4.3\0").CopyTo(image, 384);
        U16(512, 1);
        U16(514, 2);
        U32(516, 1);
        U32(520, 16);
        U32(528 + 8, 31);
        U32(528 + 12, 16);
        U32(544 + 8, 16);
        return image;
    }

    private readonly record struct U32Pair(uint Type);

    [Fact]
    public void Only_the_flag_of_that_version_changes()
    {
        var image = Library();
        Assert.True(ElfVersionNeeds.MarkWeak(image, "GLIBCXX_3.4.32"));
        var expected = Library();
        expected[544 + 4] = 2;
        Assert.Equal(expected, image);
    }

    [Fact]
    public void A_library_that_does_not_need_the_version_stays_as_it_is()
    {
        var image = Library();
        Assert.False(ElfVersionNeeds.MarkWeak(image, "GLIBCXX_3.4.33"));
        Assert.Equal(Library(), image);
    }

    [Fact]
    public void A_cut_or_foreign_file_is_refused()
    {
        for (var length = 0; length < 560; length += 7)
            Assert.Throws<NativeRuntimeException>(() => ElfVersionNeeds.MarkWeak(Library().AsSpan(0, length), "GLIBCXX_3.4.32"));
        Assert.Throws<NativeRuntimeException>(() => ElfVersionNeeds.MarkWeak(new byte[4096], "GLIBCXX_3.4.32"));
    }

    [Fact]
    public void The_package_s_file_needs_the_version_once_and_is_never_touched()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the file is Linux's");
        var path = NativePlaces.OfNativePart().Select(p => p.PathOf(NativeFileNames.NativePart)).First(File.Exists);
        var original = File.ReadAllBytes(path);
        var image = File.ReadAllBytes(path);
        Assert.True(ElfVersionNeeds.MarkWeak(image, WeakVersionPatch.SymbolVersion), path);
        Assert.Equal(1, original.Zip(image).Count(pair => pair.First != pair.Second));
        WeakVersionPatch.Loadable(path);
        Assert.Equal(original, File.ReadAllBytes(path));
    }

    [Fact]
    public void Two_processes_may_write_the_copy_at_once_and_a_damaged_one_is_replaced()
    {
        var image = new byte[] { 1, 2, 3, (byte)Environment.ProcessId, 5 };
        var path = "";
        Parallel.For(0, 8, _ => path = WeakVersionPatch.Cached(image));
        Assert.Equal(image, File.ReadAllBytes(path));
        File.WriteAllBytes(path, [9]);
        Assert.Equal(image, File.ReadAllBytes(WeakVersionPatch.Cached(image)));
        Assert.Equal([NativeFileNames.NativePart], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }
}
