using LowRank.Models.Tokenization.Decoding;
using LowRank.Models.Tokenization.PostProcessing;
using LowRank.Models.Tokenization.PreTokenization;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>What a tokenizer is made of.</summary>
/// <param name="Model">The model.</param>
/// <param name="Added">The added tokens, with the normalizer.</param>
/// <param name="PreTokenizer">The pre-tokenizer, or null.</param>
/// <param name="PostProcessor">The post-processor.</param>
/// <param name="Decoder">The decoder, or null to join tokens by spaces.</param>
/// <param name="RawBytes">Whether the pre-tokenizer leaves raw bytes for the model.</param>
/// <param name="NeedsAlignment">Whether some part asks where in the original a piece began.</param>
internal sealed record TokenizerParts(
    TokenModel Model, AddedVocabulary Added, PreTokenizer? PreTokenizer, PostProcessor PostProcessor, TokenDecoder? Decoder, bool RawBytes, bool NeedsAlignment);
