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

    // Without a flush to disk, which would be most of the time.
    private static void Write(FuzzInput input, string name, params string[] tensors)
    {
        var header = $"{{{string.Join(',', tensors.Select((t, i) => $"\"{t}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{4 * i},{4 * i + 4}]}}"))}}}";
        File.WriteAllBytes(Path.Combine(input.Folder, name), [.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.ASCII.GetBytes(header), .. new byte[4 * tensors.Length]]);
    }
}
