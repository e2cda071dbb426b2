using System.Text;

namespace LowRank.Tests.Formats;

/// <summary>Writes small GGUF files, sound or not, for tests.</summary>
internal sealed class GgufBuilder
{
    private readonly MemoryStream pairs = new();
    private readonly MemoryStream tensors = new();
    private long pairCount, tensorCount;

    public uint Version { get; init; } = 3;

    public int Alignment { get; init; } = 32;

    public long? PairCount { get; init; }

    public long? TensorCount { get; init; }

    public byte[] Data { get; init; } = [];

    public GgufBuilder Pair(string key, uint type, Action<BinaryWriter> value)
    {
        var writer = new BinaryWriter(pairs);
        Text(writer, key);
        writer.Write(type);
        value(writer);
        pairCount++;
        return this;
    }

    public GgufBuilder Pair(string key, string value) => Pair(key, 8, w => Text(w, value));

    public GgufBuilder Pair(string key, uint value) => Pair(key, 4, w => w.Write(value));

    public GgufBuilder Tensor(string name, uint type, ulong offset, params ulong[] fastestFirst)
    {
        var writer = new BinaryWriter(tensors);
        Text(writer, name);
        writer.Write(fastestFirst.Length);
        foreach (var n in fastestFirst) writer.Write(n);
        writer.Write(type);
        writer.Write(offset);
        tensorCount++;
        return this;
    }

    public static void Text(BinaryWriter writer, string text)
    {
        writer.Write((long)Encoding.UTF8.GetByteCount(text));
        writer.Write(Encoding.UTF8.GetBytes(text));
    }

    public byte[] Build()
    {
        var file = new MemoryStream();
        var writer = new BinaryWriter(file);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write(TensorCount ?? tensorCount);
        writer.Write(PairCount ?? pairCount);
        writer.Write(pairs.ToArray());
        writer.Write(tensors.ToArray());
        while (file.Length % Alignment != 0) writer.Write((byte)0);
        writer.Write(Data);
        return file.ToArray();
    }
}
