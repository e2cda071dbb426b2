using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class CheckpointSummaryTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Tells_types_parameters_and_metadata_of_a_gguf_file()
    {
        var path = Path.Combine(folder, "named.bin2");
        File.WriteAllBytes(path, new GgufBuilder { Data = new byte[256] }.Pair("general.name", "tiny").Pair("ids", 9, w => { w.Write(5u); w.Write(20L); for (var i = 0; i < 20; i++) w.Write(i); })
            .Tensor("a", 0, 0, 4, 2).Tensor("b", 2, 32, 32, 4).Build());
        var summary = CheckpointSummary.Of(path);
        Assert.Equal(("GGUF v3", 136, 104), (summary.Format, summary.Parameters, summary.Bytes));
        Assert.Equal([new TensorTypeShare(TensorType.Q4_0, 1, 128, 72), new TensorTypeShare(TensorType.F32, 1, 8, 32)], summary.ByType);
        Assert.Equal([new("general.name", "tiny"), new("ids", "[0, 1, 2, 3, 4, 5, 6, 7, … 20 in all]")], summary.Metadata);
        Assert.Equal("""{"name":"b","type":"Q4_0","shape":[4,32],"bytes":72}""", summary.ToJson()["tensors"]![1]!.ToJsonString());
    }

    [Fact]
    public void Tells_files_folders_and_adapters_apart()
    {
        var bytes = SafetensorsFileTests.Bytes("""{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2);
        var adapter = Directory.CreateDirectory(Path.Combine(folder, "adapter")).FullName;
        File.WriteAllBytes(Path.Combine(adapter, "adapter_model.safetensors"), bytes);
        var model = Directory.CreateDirectory(Path.Combine(folder, "model")).FullName;
        File.WriteAllBytes(Path.Combine(model, "model.safetensors"), bytes);
        Assert.Equal(["PEFT adapter", "safetensors folder", "safetensors"],
            new[] { adapter, model, Path.Combine(model, "model.safetensors") }.Select(p => CheckpointSummary.Of(p).Format));
    }

    [Fact]
    public void Pickle_and_missing_files_are_refused()
    {
        var path = Path.Combine(folder, "pytorch_model.bin");
        File.WriteAllBytes(path, [1]);
        Assert.Contains("runs code", Assert.Throws<LowRankException>(() => CheckpointSummary.Of(path)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<SafetensorsException>(() => CheckpointSummary.Of(path + "x")).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<GgufException>(() => CheckpointSummary.Of(path + ".gguf")).Message, StringComparison.Ordinal);
    }
}
