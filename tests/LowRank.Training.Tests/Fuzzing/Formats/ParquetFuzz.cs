using System.Buffers.Binary;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>Parquet files of pyarrow: fields of the footer's Thrift structures changed, lost, twice or of other numbers, with a footer length that fits; bytes of the pages flipped.</summary>
internal sealed class ParquetFuzz() : DataFuzz("parquet", ".parquet")
{
    private static readonly Lazy<byte[][]> files = new(() => [.. SoundFiles.Below("datasets", ".parquet").Select(File.ReadAllBytes)]);

    public override byte[] Make(FuzzRandom random)
    {
        var sound = random.Pick(files.Value);
        var length = BinaryPrimitives.ReadInt32LittleEndian(sound.AsSpan(sound.Length - 8));
        var data = sound[..(sound.Length - 8 - length)];
        byte[] footer = sound[^(8 + length)..^8];
        if (random.OneIn(2))
        {
            var at = 0;
            var metadata = ThriftSketch.Read(footer, ref at);
            metadata.Damage(random);
            footer = metadata.Write();
        }
        if (random.OneIn(3)) ByteMutator.Flip(data.AsSpan(4), random);
        var size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, footer.Length);
        byte[] file = [.. data, .. footer, .. size, .. "PAR1"u8];
        return random.OneIn(20) ? ByteMutator.Damage(file, random) : file;
    }
}
