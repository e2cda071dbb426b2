using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class GgufWriterTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_is_written_is_read()
    {
        var path = Path.Combine(folder, "x.gguf");
        KeyValuePair<string, object>[] metadata =
        [
            new("a", 7u), new("b", -7), new("c", 0.5f), new("d", true), new("e", "Ġé"), new("f", ulong.MaxValue),
            new("g", new[] { "x", "" }), new("h", new[] { 1, -2 }), new("i", new[] { 3u }), new("j", new[] { 1.5f }),
        ];
        byte[] one = [1, 2, 3, 4, 5, 6], two = [.. Enumerable.Range(0, 34).Select(i => (byte)i)];
        using (var writer = GgufWriter.Create(path, metadata, [("one", TensorType.F16, [3]), ("two", TensorType.Q8_0, [1, 32])]))
        {
            writer.Write("two", two);
            writer.Write("one", one.AsSpan(0, 2));
            writer.Write("one", one.AsSpan(2));
            Assert.False(File.Exists(path));
            writer.Commit();
            Assert.Equal(writer.Length, new FileInfo(path).Length);
        }
        using var file = GgufFile.Open(path);
        Assert.Equal(metadata.Select(p => (p.Key, p.Value)), file.Metadata.Select(p => (p.Key, p.Value)));
        Assert.Equal(3, file.Version);
        Assert.Equal(0, file.DataOffset % 32);
        Assert.Equal(["one", "two"], file.Tensors.Select(t => t.Name));
        Assert.Equal([1, 32], file.Tensors[1].Shape);
        Assert.Equal(file.DataOffset + 32, file.Tensors[1].Offset);
        Assert.Equal(one, file.Bytes(file.Tensors[0]));
        Assert.Equal(two, file.Bytes(file.Tensors[1]));
        Assert.Equal(0, new FileInfo(path).Length % 32);
    }

    [Fact]
    public void An_unfinished_file_leaves_nothing()
    {
        var path = Path.Combine(folder, "x.gguf");
        using (var writer = GgufWriter.Create(path, [], [("one", TensorType.F32, [2])]))
        {
            writer.Write("one", new byte[4]);
            Assert.Throws<ArgumentException>(() => writer.Write("one", new byte[5]));
            Assert.Throws<InvalidOperationException>(writer.Commit);
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void What_gguf_cannot_hold_is_refused_before_a_file_is_begun()
    {
        var path = Path.Combine(folder, "x.gguf");
        Assert.Contains("'w' has rows of 48, which is no multiple of the 32 values in a block of Q8_0", Refused(("w", TensorType.Q8_0, [2, 48])), StringComparison.Ordinal);
        Assert.Contains("'w' would be written twice", Refused(("w", TensorType.F32, [2]), ("w", TensorType.F32, [2])), StringComparison.Ordinal);
        Assert.Contains("'w' has 5 dimensions", Refused(("w", TensorType.F32, [1, 1, 1, 1, 1])), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));

        string Refused(params (string, TensorType, long[])[] tensors) => Assert.Throws<GgufException>(() => GgufWriter.Create(path, [], tensors)).Message;
    }
}
