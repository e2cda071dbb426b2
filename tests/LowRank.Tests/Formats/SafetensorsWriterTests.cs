using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Formats;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Reference: files of safetensors 0.8, PEFT 0.21.2 and transformers 5.23.
    public static IEnumerable<TheoryDataRow<string>> Files => Golden.Cases("formats/safetensors", !Directory.Exists(Golden.Root) ? [] :
        Directory.GetFiles(Golden.Root, "*.safetensors", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(Golden.Root, p)).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Files)), Trait("Category", "Golden")]
    public void Rewriting_a_file_gives_the_same_bytes(string name)
    {
        using var source = SafetensorsFile.Open(Golden.At(name));
        var path = Path.Combine(folder, "again.safetensors");
        using (var writer = SafetensorsWriter.Create(path, source.Tensors.Reverse().Select(t => (t.Name, t.Type, t.Shape)), source.Metadata))
        {
            foreach (var t in source.Tensors.Reverse()) writer.Write(t.Name, source.Bytes(t));
            writer.Commit();
        }
        Assert.True(File.ReadAllBytes(source.Path).AsSpan().SequenceEqual(File.ReadAllBytes(path)), $"{name} differs");
    }

    [Fact]
    public void Pieces_of_a_tensor_follow_each_other()
    {
        var path = Path.Combine(folder, "x.safetensors");
        using (var writer = SafetensorsWriter.Create(path, [("b \"ü\"\n\u0001", TensorType.U8, [4]), ("a", TensorType.F32, [1]), ("empty", TensorType.F32, [0, 3])]))
        {
            writer.Write("b \"ü\"\n\u0001", [1, 2]);
            writer.Write("a", [9, 8, 7, 6]);
            writer.Write("b \"ü\"\n\u0001", [3, 4]);
            writer.Commit();
        }
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(["a", "b \"ü\"\n\u0001", "empty"], file.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        Assert.True(file.TryGet("b \"ü\"\n\u0001", out var b));
        Assert.Equal([1, 2, 3, 4], file.Bytes(b).ToArray());
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Fact]
    public void An_incomplete_file_does_not_appear()
    {
        var path = Path.Combine(folder, "x.safetensors");
        using (var writer = SafetensorsWriter.Create(path, [("a", TensorType.F32, [2])]))
        {
            writer.Write("a", [0, 0, 0, 0]);
            Assert.Contains("4 of 8", Assert.Throws<InvalidOperationException>(writer.Commit).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => writer.Write("a", new byte[5]));
            Assert.Throws<ArgumentException>(() => writer.Write("b", new byte[5]));
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void What_safetensors_cannot_hold_is_refused()
    {
        var path = Path.Combine(folder, "x.safetensors");
        foreach (var (tensor, reason) in new[] { (("a", TensorType.Q4_0, (long[])[32]), "Q4_0"), (("__metadata__", TensorType.F32, [1]), "declared twice"), (("a", TensorType.F32, [-1]), "[-1]"), (("a", TensorType.F32, [long.MaxValue, 2]), "cannot be stored") })
            Assert.Contains(reason, Assert.Throws<SafetensorsException>(() => SafetensorsWriter.Create(path, [tensor])).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Too_little_space_is_said_before_anything_is_written()
    {
        var path = Path.Combine(folder, "x.safetensors");
        var message = Assert.Throws<LowRankException>(() => SafetensorsWriter.Create(path, [("a", TensorType.U8, [1L << 60])])).Message;
        Assert.Contains("1099511627776 MiB are needed", message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }
}
