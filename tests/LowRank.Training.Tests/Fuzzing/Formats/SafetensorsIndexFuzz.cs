using System.Text.Json;
using LowRank.Formats;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>The index of a checkpoint in several files. Past the header when it is a JSON object.</summary>
internal sealed class SafetensorsIndexFuzz() : FuzzFormat("safetensors-index")
{
    private static readonly JsonElement sound = JsonElement.Parse("""{"metadata":{"total_size":16},"weight_map":{"a":"model-1.safetensors","b":"model-1.safetensors","c":"model-2.safetensors"}}""");

    public override byte[] Make(FuzzRandom random) => JsonMutator.Damaged(sound, random);

    public override void Read(FuzzInput input)
    {
        if (SoundFiles.IsObject(input.Bytes)) input.PassHeader();
        input.Write(SafetensorsFolder.IndexFile);
        Write(input, "model-1.safetensors", "a", "b");
        Write(input, "model-2.safetensors", "c");
        using var folder = SafetensorsFolder.Open(input.Folder);
        foreach (var t in folder.Tensors) Assert.Equal(4, folder.Bytes(t).Length);
    }

    private static void Write(FuzzInput input, string name, params string[] tensors)
    {
        using var writer = SafetensorsWriter.Create(Path.Combine(input.Folder, name), tensors.Select(t => (t, TensorType.F32, (long[])[1])));
        foreach (var t in tensors) writer.Write(t, new byte[4]);
        writer.Commit();
    }
}
