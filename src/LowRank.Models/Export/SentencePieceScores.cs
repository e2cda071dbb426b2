using System.Buffers.Binary;
using System.Text;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Export;

/// <summary>
/// The scores of a SentencePiece model file (<c>tokenizer.model</c>), which llama.cpp's converter takes over. Of the protobuf message only the pieces are read (sentencepiece_model.proto:
/// <c>pieces = 1</c>, of each <c>piece = 1</c> and <c>score = 2</c>).
/// </summary>
internal static class SentencePieceScores
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

    /// <summary>Reads a file.</summary>
    /// <exception cref="TokenizerFormatException">It is no such message.</exception>
    public static Dictionary<string, float> Read(string path)
    {
        var scores = new Dictionary<string, float>(StringComparer.Ordinal);
        try
        {
            ReadOnlySpan<byte> model = File.ReadAllBytes(path);
            while (model.Length > 0)
            {
                var piece = Next(ref model);
                if (piece.Number != 1) continue;
                var content = piece.Content;
                var (text, score) = ("", 0f);
                while (content.Length > 0)
                {
                    var part = Next(ref content);
                    if (part.Number == 1) text = Encoding.UTF8.GetString(part.Content);
                    else if (part.Number == 2) score = BinaryPrimitives.ReadSingleLittleEndian(part.Content);
                }
                scores[text] = score;
            }
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new TokenizerFormatException($"{path}: this is no SentencePiece model: it ends within a field. Download it again, or remove it: tokenizer.json says the same.", error);
        }
        return scores;
    }

    // A field with its bytes, of which a number has none that are asked for here.
    private static Field Next(ref ReadOnlySpan<byte> bytes)
    {
        var tag = ReadNumber(ref bytes);
        var length = (int)(tag & 7) switch
        {
            Varint => 0,
            Fixed64 => 8,
            Fixed32 => 4,
            Delimited => checked((int)Math.Min(ReadNumber(ref bytes), int.MaxValue)),
            _ => int.MaxValue, // no kind of field: beyond any file
        };
        if ((tag & 7) == Varint) ReadNumber(ref bytes);
        var content = bytes[..length];
        bytes = bytes[length..];
        return new Field((int)(tag >> 3), content);
    }

    private static ulong ReadNumber(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = bytes[..1][0];
            bytes = bytes[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) break;
        }
        return value;
    }

    private readonly ref struct Field(int number, ReadOnlySpan<byte> content)
    {
        public int Number { get; } = number;

        public ReadOnlySpan<byte> Content { get; } = content;
    }
}
