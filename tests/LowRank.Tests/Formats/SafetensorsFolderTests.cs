using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class SafetensorsFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Takes_the_single_file()
    {
        Shard("model.safetensors", "a", "b");
        using var opened = SafetensorsFolder.Open(folder);
        Assert.Equal(["a", "b"], opened.Tensors.Select(t => t.Name));
        Assert.True(opened.TryGet("b", out var b));
        Assert.Equal([1], opened.Bytes(b).ToArray());
    }

    [Fact]
    public void Takes_the_shards_of_an_index()
    {
        Shard("s1.safetensors", "a");
        Shard("s2.safetensors", "b", "c");
        Index(("a", "s1.safetensors"), ("b", "s2.safetensors"), ("c", "s2.safetensors"));
        using var opened = SafetensorsFolder.Open(folder);
        Assert.Equal(["a", "b", "c"], opened.Tensors.Select(t => t.Name));
        Assert.Equal(2, opened.Files.Count);
        Assert.True(opened.TryGet("c", out var c));
        Assert.Equal([1], opened.Bytes(c).ToArray());
    }

    [Fact]
    public void Missing_shard_lists_what_is_there()
    {
        Shard("s1.safetensors", "a");
        Index(("a", "s1.safetensors"), ("b", "s2.safetensors"));
        Refused("s2.safetensors", "not there", "There are: s1.safetensors");
    }

    [Fact]
    public void Missing_and_extra_tensors_are_refused()
    {
        Shard("s1.safetensors", "a");
        Index(("a", "s1.safetensors"), ("b", "s1.safetensors"));
        Refused("'b'", "does not hold it");
        Index(("b", "s1.safetensors"));
        Refused("'a'", "does not name");
    }

    [Fact]
    public void Index_must_stay_in_its_folder()
    {
        Index(("a", "../s1.safetensors"));
        Refused("../s1.safetensors", "plain file name");
    }

    [Fact]
    public void Broken_index_names_line_and_column()
    {
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), "{\n \"weight_map\": {\"a\": }}");
        Refused("line 2, column 22", "not valid JSON");
    }

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("consolidated.00.pth")]
    [InlineData("model.ckpt")]
    public void Pickle_is_refused_with_the_reason(string name)
    {
        File.WriteAllBytes(Path.Combine(folder, name), [0x80, 2]);
        Refused(name, "runs code", "save_pretrained");
    }

    [Fact]
    public void Empty_folder_and_missing_folder_say_so()
    {
        Refused("model.safetensors", "There is no file");
        Assert.Contains("is not a folder", Assert.Throws<SafetensorsException>(() => SafetensorsFolder.Open(folder + "x")).Message, StringComparison.Ordinal);
    }

    private void Refused(params string[] parts)
    {
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsFolder.Open(folder));
        foreach (var part in parts) Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private void Shard(string name, params string[] tensors) => File.WriteAllBytes(Path.Combine(folder, name),
        SafetensorsFileTests.Bytes("{" + string.Join(",", tensors.Select((t, i) => $$"""{{'"'}}{{t}}{{'"'}}:{"dtype":"U8","shape":[1],"data_offsets":[{{i}},{{i + 1}}]}""")) + "}", tensors.Length));

    private void Index(params (string Tensor, string Shard)[] map) => File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"),
        "{\"metadata\":{},\"weight_map\":{" + string.Join(",", map.Select(m => $"\"{m.Tensor}\":\"{m.Shard}\"")) + "}}");
}
