using System.IO.Compression;
using K4os.Compression.LZ4;
using Snappier;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>The codecs of Parquet's pages.</summary>
internal static class Compression
{
    /// <summary>More than any writer puts into a page; a damaged size must not ask for all of memory.</summary>
    private const int LargestPage = 1 << 30;

    /// <summary>Pages up to here are believed. What says of itself that it becomes larger must have the bytes for that: no codec makes more than this of one on data of any kind.</summary>
    private const int UsualPage = 1 << 26, LargestRatio = 20_000;

    /// <exception cref="InvalidDataException">The bytes are damaged, or the codec is not known.</exception>
    public static byte[] Decompress(long codec, ReadOnlySpan<byte> bytes, long size)
    {
        if (size is < 0 or > LargestPage) throw new InvalidDataException($"a page of {size} bytes is out of range");
        if (codec == 0) return bytes.ToArray();
        if (size > UsualPage && size / LargestRatio > bytes.Length) throw new InvalidDataException($"a page of {bytes.Length} bytes cannot hold {size}");
        var whole = new byte[size];
        if (size == 0) return whole;
        var written = codec switch
        {
            1 => Snappy.Decompress(bytes, whole),
            2 => Fill(new GZipStream(Stream(bytes), CompressionMode.Decompress), whole),
            4 => BrotliDecoder.TryDecompress(bytes, whole, out var brotli) ? brotli : -1,
            6 => Zstandard(bytes, whole),
            7 => LZ4Codec.Decode(bytes, whole),
            5 => throw new InvalidDataException("the pages are in the old LZ4 framing, which writers gave up; write the file again with zstd or snappy"),
            _ => throw new InvalidDataException($"the codec {codec} is not known; write the file with zstd, snappy, gzip, brotli or no compression"),
        };
        return written == size ? whole : throw new InvalidDataException("a compressed page is damaged");
    }

    private static int Zstandard(ReadOnlySpan<byte> bytes, byte[] whole)
    {
        using var decoder = new ZstdSharp.Decompressor();
        return decoder.Unwrap(bytes, whole);
    }

    private static MemoryStream Stream(ReadOnlySpan<byte> bytes) => new(bytes.ToArray(), writable: false);

    private static int Fill(Stream stream, byte[] whole)
    {
        using (stream) return stream.ReadAtLeast(whole, whole.Length, throwOnEndOfStream: false);
    }
}
