using LowRank.Models.Tokenization.Decoding;
using LowRank.Models.Tokenization.PreTokenization;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Builds the <c>decoder</c>.</summary>
internal static class DecoderReader
{
    /// <summary>Builds it, or refuses it by name.</summary>
    public static TokenDecoder Read(JsonPart part)
    {
        switch (part.Type)
        {
            case "Sequence":
                var parts = part.List("decoders").Select(Read).ToArray();
                return parts.Length == 1 ? parts[0] : new DecoderSequence(parts);
            case "ByteLevel": return new ByteLevelDecoder();
            case "ByteFallback": return new ByteFallbackDecoder();
            case "Fuse": return new FuseDecoder();
            case "Replace": return new ReplaceDecoder(PatternReader.Read(part), part.String("content"));
            case "Strip": return new StripDecoder(part.String("content"), part.Integer("start"), part.Integer("stop"));
            case "BPEDecoder": return new BpeSuffixDecoder(part.String("suffix"));
            case "WordPiece": return new WordPieceDecoder(part.String("prefix"), part.Flag("cleanup", true));
            case "Metaspace":
                var (mark, scheme) = MetaspaceOptions.Read(part);
                return new MetaspaceDecoder(mark, scheme != PrependScheme.Never);
            case var type: throw part.Unsupported($"decoder {type}");
        }
    }
}
