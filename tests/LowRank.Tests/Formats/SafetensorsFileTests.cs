using System.Buffers.Binary;
using System.Text;
using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Reads_names_shapes_metadata_and_bytes()
    {
        using var file = SafetensorsFile.Open(Write("""{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[2,10]},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}   """, 10));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(["a", "b"], file.Tensors.Select(t => t.Name));
        Assert.True(file.TryGet("b", out var b));
        Assert.Equal((TensorType.F32, "[2, 1]", 8, 2), (b.Type, b.ShapeText, b.ByteLength, b.Elements));
        Assert.Equal([2, 3, 4, 5, 6, 7, 8, 9], file.Bytes(b).ToArray());
        Assert.False(file.TryGet("c", out _));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'b'", "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12, "'b'", "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'a'", "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "'a'", "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "1 bytes at the end", "no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "'a'", "twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "takes 12 bytes", "hold 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "'a'", "end before they begin")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", 4, "'a'", "two numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}""", 0, "'a'", "63 bits")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "'a'", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "'a'", "whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}""", 4, "'a'", "array of numbers")]
    [InlineData("""{"a":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "'a'", "no shape")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}""", 4, "'a'", "dtype appears twice")]
    [InlineData("""{"a":{"dtype":"Q9","shape":[1],"data_offsets":[0,4]}}""", 4, "'Q9'", "BF16")]
    [InlineData("""{"a":[1]}""", 0, "'a'", "must be an object")]
    [InlineData("""{"__metadata__":{"n":1}}""", 0, "'n'", "must be a string")]
    [InlineData("""{"__metadata__":[]}""", 0, "__metadata__", "object of strings")]
    [InlineData("""{"a":""", 0, "not valid JSON", "line 1, column 6")]
    [InlineData("""{} {}""", 0, "not valid JSON", "")]
    [InlineData("""[1]""", 0, "does not begin with", "")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "not valid JSON", "")]
    public void Refuses_a_damaged_header(string header, int dataBytes, string subject, string reason)
    {
        var path = Write(header, dataBytes);
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(subject, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_lengths_that_the_file_does_not_have()
    {
        var path = Path.Combine(folder, "x.safetensors");
        foreach (var (length, bytes, reason) in new[] { (200_000_000UL, 16, "limit is 100000000"), (ulong.MaxValue, 16, "limit"), (9UL, 16, "truncated"), (0UL, 8, "does not begin with") })
        {
            var content = new byte[bytes];
            BinaryPrimitives.WriteUInt64LittleEndian(content, length);
            File.WriteAllBytes(path, content);
            Assert.Contains(reason, Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, []);
        Assert.Contains("0 bytes", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path + "x")).Message, StringComparison.Ordinal);
        Assert.Contains("is a folder", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_text_that_is_not_UTF8()
    {
        var path = Path.Combine(folder, "x.safetensors");
        File.WriteAllBytes(path, [4, 0, 0, 0, 0, 0, 0, 0, (byte)'{', 0xC3, 0x28, (byte)'}']);
        Assert.Contains("UTF-8", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_after_dispose_throws()
    {
        var file = SafetensorsFile.Open(Write("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Bytes(file.Tensors[0]).Length);
    }

    internal static byte[] Bytes(string header, int dataBytes)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var content = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(content, (ulong)json.Length);
        json.CopyTo(content, 8);
        for (var i = 0; i < dataBytes; i++) content[8 + json.Length + i] = (byte)i;
        return content;
    }

    private string Write(string header, int dataBytes)
    {
        var path = Path.Combine(folder, "x.safetensors");
        File.WriteAllBytes(path, Bytes(header, dataBytes));
        return path;
    }
}
