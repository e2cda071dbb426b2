using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class GgufFileTests : IDisposable
{
    private readonly string path = Path.Combine(Directory.CreateTempSubdirectory("lowrank-").FullName, "x.gguf");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

    [Theory, InlineData(2u), InlineData(3u)]
    public void Reads_every_kind_of_value(uint version)
    {
        using var file = Open(new GgufBuilder { Version = version, Data = new byte[64] }
            .Pair("u8", 0, w => w.Write((byte)200)).Pair("i8", 1, w => w.Write((sbyte)-5)).Pair("u16", 2, w => w.Write((ushort)60000)).Pair("i16", 3, w => w.Write((short)-6))
            .Pair("u32", 4, w => w.Write(4000000000u)).Pair("i32", 5, w => w.Write(-7)).Pair("f32", 6, w => w.Write(0.5f)).Pair("bool", 7, w => w.Write((byte)1))
            .Pair("string", "grün").Pair("u64", 10, w => w.Write(ulong.MaxValue)).Pair("i64", 11, w => w.Write(-8L)).Pair("f64", 12, w => w.Write(0.25))
            .Pair("strings", 9, w => { w.Write(8u); w.Write(2L); GgufBuilder.Text(w, "a"); GgufBuilder.Text(w, ""); })
            .Pair("ints", 9, w => { w.Write(5u); w.Write(2L); w.Write(-1); w.Write(2); })
            .Pair("bools", 9, w => { w.Write(7u); w.Write(2L); w.Write((byte)0); w.Write((byte)1); })
            .Pair("nested", 9, w => { w.Write(9u); w.Write(1L); w.Write(6u); w.Write(1L); w.Write(1.5f); })
            .Tensor("w", 0, 0, 2, 3).Tensor("s", 30, 32, 1).Build());
        object[] want = [(byte)200, (sbyte)-5, (ushort)60000, (short)-6, 4000000000u, -7, 0.5f, true, "grün", ulong.MaxValue, -8L, 0.25];
        Assert.Equal(want, file.Metadata.Values.Take(want.Length));
        Assert.Equal(["a", ""], Assert.IsType<string[]>(file.Metadata["strings"]));
        Assert.Equal([-1, 2], Assert.IsType<int[]>(file.Metadata["ints"]));
        Assert.Equal([false, true], Assert.IsType<bool[]>(file.Metadata["bools"]));
        Assert.Equal([1.5f], Assert.IsType<float[]>(Assert.Single(Assert.IsType<object[]>(file.Metadata["nested"]))));
        Assert.True(file.TryGet("w", out var w));
        Assert.Equal((TensorType.F32, "[3, 2]", file.DataOffset, 24), (w.Type, w.ShapeText, w.Offset, w.ByteLength));
        Assert.Equal(24, file.Bytes(w).Length);
        Assert.Equal((int)version, file.Version);
    }

    [Fact]
    public void Alignment_comes_from_the_metadata()
    {
        using var file = Open(new GgufBuilder { Alignment = 128, Data = new byte[4] }.Pair("general.alignment", 128u).Tensor("w", 0, 0, 1).Build());
        Assert.Equal((128, 0), (file.Alignment, file.DataOffset % 128));
    }

    [Fact]
    public void Unknown_type_is_refused_when_it_is_used()
    {
        using var file = Open(new GgufBuilder { Data = new byte[64] }.Tensor("odd", 77, 0, 8).Tensor("fine", 0, 32, 8).Build());
        Assert.Equal(32, file.Bytes(file.Tensors[1]).Length);
        Assert.Equal(TensorType.Unknown, file.Tensors[0].Type);
        var message = Assert.Throws<GgufException>(() => file.Bytes(file.Tensors[0]).Length).Message;
        Assert.Contains("'odd' has the GGUF type 77", message, StringComparison.Ordinal);
        Assert.Contains("Q4_K", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_other_files_and_versions()
    {
        Refused([.. "not a GGUF file, certainly"u8], "not a GGUF file");
        Refused(new GgufBuilder { Version = 1 }.Build(), "version 1 is not supported");
        Refused(new GgufBuilder { Version = 4 }.Build(), "version 4 is not supported");
        Refused(new GgufBuilder { Version = 0x03000000 }.Build(), "big-endian GGUF file (version 3)");
        Refused([1, 2, 3], "at least 24");
    }

    [Fact]
    public void Refuses_counts_and_lengths_that_the_file_does_not_have()
    {
        Refused(new GgufBuilder { PairCount = long.MaxValue }.Build(), "the number of metadata keys is 9223372036854775807");
        Refused(new GgufBuilder { TensorCount = -1 }.Build(), "the number of tensors is 18446744073709551615");
        Refused(new GgufBuilder().Pair("s", 8, w => w.Write(1L << 40)).Build(), "claims 1099511627776 bytes");
        Refused(new GgufBuilder().Pair("a", 9, w => { w.Write(5u); w.Write(1L << 50); }).Build(), "length of array 'a'");
        Refused(new GgufBuilder().Pair("n", 9, w => { for (var i = 0; i < 9; i++) { w.Write(9u); w.Write(1L); } w.Write(4u); w.Write(0L); }).Build(), "nests arrays");
    }

    [Fact]
    public void Refuses_damaged_values()
    {
        Refused(new GgufBuilder().Pair("k", 13, _ => { }).Build(), "value type 13");
        Refused(new GgufBuilder().Pair("k", 9, w => { w.Write(99u); w.Write(0L); }).Build(), "array of value type 99");
        Refused(new GgufBuilder().Pair("k", 7, w => w.Write((byte)2)).Build(), "boolean of value 2");
        Refused(new GgufBuilder().Pair("k", 8, w => { w.Write(2L); w.Write((byte)0xC3); w.Write((byte)0x28); }).Build(), "UTF-8");
        Refused(new GgufBuilder().Pair("k", "a").Pair("k", "b").Build(), "'k' appears twice");
        foreach (var bad in new[] { 0u, 24u, 1u << 31 }) Refused(new GgufBuilder().Pair("general.alignment", bad).Build(), "power of two");
        Refused(new GgufBuilder().Pair("general.alignment", "32").Build(), "power of two");
    }

    [Fact]
    public void Refuses_damaged_tensors()
    {
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 0, 9).Tensor("v", 0, 32, 8).Build(), "'v' begins at byte 32 of the data and overlaps 'w'");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 4, 1).Build(), "no multiple of the alignment");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 32, 9).Build(), "truncated");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 1 << 20, 1).Build(), "begins at byte 1048576");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 0, ulong.MaxValue).Build(), "dimension of 18446744073709551615");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 0, 1UL << 62, 1UL << 62).Build(), "too many elements");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 0, 1, 1, 1, 1, 1).Build(), "5 dimensions");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 2, 0, 33).Build(), "no multiple of the 32 values");
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 2, 0).Build(), "has rows of 1, which is no multiple of the 32 values"); // found by fuzzing
        Refused(new GgufBuilder { Data = new byte[64] }.Tensor("w", 0, 0, 1).Tensor("w", 0, 32, 1).Build(), "'w' appears twice");
        Refused(new GgufBuilder().Tensor("w", 0, 0, 1).Build(), "truncated");
    }

    private GgufFile Open(byte[] content)
    {
        File.WriteAllBytes(path, content);
        return GgufFile.Open(path);
    }

    private void Refused(byte[] content, string reason)
    {
        var error = Assert.Throws<GgufException>(() => Open(content).Dispose());
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }
}
