using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TinyModel;

/// <summary>
/// Byte-level byte-pair encoding (Sennrich et al. 2016) in its plainest form: cut the text into words as GPT-2 does, then join the commonest pair of
/// neighbours again and again. Counting all pairs anew for each merge is slow in general and quick enough for a few thousand distinct words.
/// </summary>
internal static partial class BytePairTrainer
{
    /// <summary>The special tokens, in the order of their ids from 0.</summary>
    public static readonly string[] Special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    /// <summary>The <c>tokenizer.json</c> of a vocabulary of the given size.</summary>
    public static JsonObject Train(IEnumerable<string> texts, int size)
    {
        var alphabet = Alphabet();
        var words = Count(texts).Select(w => (Parts: Encoding.UTF8.GetBytes(w.Key).Select(b => alphabet[b].ToString()).ToList(), Times: w.Value)).ToArray();
        var vocabulary = new List<string>([.. Special, .. alphabet.Order().Select(c => c.ToString())]);
        var merges = new JsonArray();
        while (vocabulary.Count < size)
        {
            var pairs = new Dictionary<(string Left, string Right), int>();
            foreach (var (parts, times) in words)
                for (var i = 1; i < parts.Count; i++)
                    pairs[(parts[i - 1], parts[i])] = pairs.GetValueOrDefault((parts[i - 1], parts[i])) + times;
            if (pairs.Count == 0) break;
            // Of equally common pairs the first by ordinal order, so that the same text gives the same file.
            var (left, right) = pairs.OrderByDescending(p => p.Value).ThenBy(p => p.Key.Left, StringComparer.Ordinal).ThenBy(p => p.Key.Right, StringComparer.Ordinal).First().Key;
            foreach (var (parts, _) in words)
                for (var i = 1; i < parts.Count; i++)
                {
                    if (parts[i - 1] != left || parts[i] != right) continue;
                    parts[i - 1] = left + right;
                    parts.RemoveAt(i);
                }
            vocabulary.Add(left + right);
            merges.Add(new JsonArray(left, right));
        }
        return File(vocabulary, merges);
    }

    private static Dictionary<string, int> Count(IEnumerable<string> texts)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var text in texts)
            foreach (var match in Words().EnumerateMatches(text))
            {
                var word = text.Substring(match.Index, match.Length);
                counts[word] = counts.GetValueOrDefault(word) + 1;
            }
        return counts;
    }

    // GPT-2's printable stand-ins for the 256 bytes.
    private static char[] Alphabet()
    {
        var (alphabet, next) = (new char[256], 256);
        for (var b = 0; b < 256; b++)
            alphabet[b] = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)b : (char)next++;
        return alphabet;
    }

    private static JsonObject File(List<string> vocabulary, JsonArray merges) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. Special.Select((content, id) => new JsonObject
        {
            ["id"] = id,
            ["content"] = content,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        })]),
        ["normalizer"] = null,
        ["pre_tokenizer"] = ByteLevel(),
        ["post_processor"] = null,
        ["decoder"] = ByteLevel(),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = false,
            ["ignore_merges"] = false,
            ["vocab"] = new JsonObject(vocabulary.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
            ["merges"] = merges,
        },
    };

    private static JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Words();
}
