using System.Text.Json;
using LowRank.Models.Tokenization;
using LowRank.Models.Tokenization.Gguf;
using LowRank.Models.Tokenization.Loading;

namespace LowRank.Models.Export;

/// <summary>The merges of a tokenizer.json, and the scores that say the same for a vocabulary in SentencePiece's form.</summary>
internal static class GgufMerges
{
    // What llama.cpp's converter gives to tokens that no merge makes.
    private const float AddedScore = -1000, UnusedScore = -10000;

    /// <summary>The merges in the order of their rank, in either form: a string with a space, or a pair.</summary>
    /// <exception cref="TokenizerFormatException">A merge is neither.</exception>
    public static List<(string Left, string Right)> Read(JsonPart model)
    {
        var merges = new List<(string, string)>();
        if (model.Value("merges") is not { ValueKind: JsonValueKind.Array } list) throw model.Missing("merges", "a list");
        foreach (var merge in list.EnumerateArray())
        {
            if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2) merges.Add((merge[0].GetString()!, merge[1].GetString()!));
            else if (merge.ValueKind == JsonValueKind.String && merge.GetString()!.Split(' ') is [var left, var right]) merges.Add((left, right));
            else throw model.Missing($"merges[{merges.Count}]", "two tokens");
        }
        return merges;
    }

    /// <summary>
    /// A score for each token, so that the best pair of llama.cpp's algorithm is the pair of lowest rank: the tokens get scores that fall in the order in which merges first make them, as
    /// SentencePiece's own do. Where those are known, they are taken.
    /// </summary>
    /// <param name="model">The model of the tokenizer.json.</param>
    /// <param name="vocabulary">Its tokens.</param>
    /// <param name="given">The scores of a tokenizer.model, or null.</param>
    /// <exception cref="UnsupportedTokenizerFeatureException">The merges are not those that scores can say: not every pair of tokens that makes up a token is among them, in the order of the tokens.</exception>
    public static float[] Scores(JsonPart model, GgufTokenList vocabulary, IReadOnlyDictionary<string, float>? given)
    {
        var merges = Read(model);
        var order = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (left, right) in merges) order.TryAdd(left + right, order.Count);
        var scores = new float[vocabulary.Tokens.Length];
        var others = order.Count;
        for (var id = 0; id < scores.Length; id++)
            scores[id] = vocabulary.Types[id] switch
            {
                GgufVocabulary.Byte => 0,
                GgufVocabulary.Control or GgufVocabulary.UserDefined => AddedScore,
                5 => UnusedScore,
                _ when given is not null && given.TryGetValue(vocabulary.Tokens[id], out var score) => score,
                _ => order.TryGetValue(vocabulary.Tokens[id], out var rank) ? -rank : -others++,
            };
        var derived = ScoreMerges.Derive(vocabulary.Tokens, scores, vocabulary.IsText);
        if (!derived.SequenceEqual(merges))
            throw new UnsupportedTokenizerFeatureException("a GGUF file of this vocabulary: in SentencePiece's form a file holds one score for each token, and the merges of this tokenizer.json do not follow from scores", model.Source);
        return scores;
    }
}
