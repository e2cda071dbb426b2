using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LowRank.Models.Tokenization.Loading;

namespace LowRank.Models.Tokenization.Gguf;

/// <summary>
/// Finds the <c>tokenizer.ggml.pre</c> of a byte-level tokenizer.json: a name of llama.cpp whose rules are those of the file. Where several names stand for the same rules, llama.cpp's own
/// way decides: the hash of the ids of a probe text, which knows published vocabularies (<c>convert_hf_to_gguf.py</c>, <c>get_vocab_base_pre</c>); for others any of the names is right.
/// </summary>
internal static class GgufPreTokenizerProbe
{
    private const string Text =
        "\n \n\n \n\n\n \t \t\t \t\n  \n   \n    \n     \n🚀 (normal) 😶\u200d🌫️ (multiple emojis concatenated) ✅ 🦙🦙 3 33 333 3333 33333 333333 3333333 33333333 3.3 3..3 3...3 កាន់តែពិសេសអាច😁 ?我想在apple工作1314151天～ ------======= нещо на Български ''''''```````\"\"\"\"......!!!!!!?????? I've been 'told he's there, 'RE you sure? 'M not sure I'll make it, 'D you like some tea? We'Ve a'lL";

    // The first of the names with the same rules is taken for a vocabulary that no hash knows.
    private static readonly (string Name, string[] Hashes)[] known =
    [
        ("smollm", ["855059429035d75a914d1eda9f10a876752e281a054a7a3d421ef0533e5b6249"]),
        ("starcoder", ["35d91631860c815f952d711435f48d356ebac988362536bed955d43bfa436e34"]),
        ("refact", ["6221ad2852e85ce96f791f476e0b390cf9b474c9e3d1362f53a24a06dc8220ff"]),
        ("command-r", ["9c2227e4dd922002fb81bde4fc02b0483ca4f12911410dee2255e4987644e3f8"]),
        ("codeshell", ["7b3e7548e4308f52a76e8229e4e6cc831195d0d1df43aed21ac6c93da05fec5f"]),
        ("exaone", ["4e2b24cc4770243d65a2c9ec19770a72f08cffc161adbb73fcbb6b7dd45a0aae"]),
        ("minerva-7b", ["1431a23e583c97432bc230bff598d103ddb5a1f89960c8f1d1051aaa944d0b35"]),
        ("gpt-2", ["3ce83efda5659b07b1ad37ca97ca5797ea4285d9b9ab0dc679e4a720c9da7454"]),
        ("phi-2", ["fcace8b9cac38ce847670c970cd5892031a753a1ef381abd1d9af00f713da085"]),
        ("olmo", ["b6dc8df998e1cfbdc4eac8243701a65afe638679230920b50d6f17d81c098166"]),
        ("jina-v2-code", ["7967bfa498ade6b757b064f31e964dddbb80f8f9a4d68d4ba7998fcf281c531a"]),
        ("llama-bpe", ["0ef9807a4087ebef797fc749390439009c3b9eda9ad1a097abbe738f486c01e5"]),
        ("falcon3", ["9d032fcbd5501f4a38150912590928bfb36091efb5df11b8e2124b0390e3fb1e"]),
        ("dbrx", ["a8594e3edff7c29c003940395316294b2c623e09894deebbc65f33f1515df79e"]),
        ("smaug-bpe", ["c136ed14d01c2745d4f60a9596ae66800e2b61fa45643e72436041855ad4089d"]),
        ("qwen2", ["e636dc30a262dcc0d8c323492e32ae2b70728f4df7dfe9737d9f920a282b8aea", "d4540891389ea895b53b399da6ac824becc30f2fba0e9ddbb98f92e55ca0e97c"]),
        ("deepseek-r1-qwen", ["b3f499bb4255f8ca19fccd664443283318f2fd2414d5e0b040fbdd0cc195d6c5"]),
        ("stablelm2", ["32d85c31273f8019248f2559fed492d929ea28b17e51d81d3bb36fff23ca72b3"]),
        ("gpt-4o", ["ccc2ef013c104be7bae2965776d611e1d7a8a2a9c547dd93a682c9a9fc80352e"]),
        ("tekken", ["63b97e4253352e6f357cc59ea5b583e3a680eaeaf2632188c2b952de2588485e"]),
        ("deepseek-v3", ["877081d19cf6996e2c4ff0e1236341e9b7bde288f5311a56a937f0afbbb3aeb5"]),
    ];

    /// <summary>The name for a tokenizer.</summary>
    /// <param name="root">The whole tokenizer.json.</param>
    /// <param name="tokenizer">The same, loaded.</param>
    /// <exception cref="UnsupportedTokenizerFeatureException">llama.cpp has no pre-tokenizer with these rules, or none that LowRank knows.</exception>
    public static string NameOf(JsonPart root, Tokenizer tokenizer)
    {
        var rules = Rules(root);
        var names = known.Where(k => rules.IsSameAs(GgufPreTokenizer.Named(k.Name))).ToList();
        if (names.Count == 0)
            throw new UnsupportedTokenizerFeatureException($"a GGUF file of this tokenizer: its pre_tokenizer {root.Value("pre_tokenizer")} has the rules of no name of tokenizer.ggml.pre that is known here ({string.Join(", ", known.Select(k => k.Name))})", root.Source);
        if (names.Count == 1) return names[0].Name;
        var hash = Hash(tokenizer);
        return names.FirstOrDefault(k => k.Hashes.Contains(hash), names[0]).Name;
    }

    /// <summary>llama.cpp's hash: SHA-256 over the probe's ids, special tokens included, as Python prints a list.</summary>
    public static string Hash(Tokenizer tokenizer) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"[{string.Join(", ", tokenizer.Encode(Text, addSpecialTokens: true).Select(id => id.ToString(CultureInfo.InvariantCulture)))}]")));

    private static GgufPreTokenizer Rules(JsonPart root)
    {
        if (root.Object("pre_tokenizer") is not { } pre) throw root.Unsupported("a byte-level tokenizer without a pre_tokenizer, for a GGUF file");
        var nfc = root.Object("normalizer") switch { null => false, { Type: "NFC" } => true, { } other => throw other.Unsupported($"normalizer {other.Type} of a byte-level tokenizer, for a GGUF file") };
        var splits = new List<string>();
        bool digits = false, byteLevel = false;
        foreach (var part in pre.Type == "Sequence" ? pre.List("pretokenizers") : [pre])
        {
            if (byteLevel) throw part.Unsupported($"pre_tokenizer {part.Type} after ByteLevel, for a GGUF file");
            switch (part.Type)
            {
                case "Digits" when part.Flag("individual_digits") && splits.Count == 0: digits = true; break;
                case "Split" when part.String("behavior") == "Isolated" && !part.Flag("invert", false) && part.Object("pattern")?.OptionalString("Regex") is { } regex: splits.Add(regex); break;
                case "ByteLevel" when !part.Flag("add_prefix_space") && part.Flag("use_regex", true) == (splits.Count == 0): byteLevel = true; break;
                default: throw part.Unsupported($"pre_tokenizer {part.Type} with these settings, for a GGUF file");
            }
        }
        if (!byteLevel) throw pre.Unsupported("a pre_tokenizer without ByteLevel, for a GGUF file");
        return new GgufPreTokenizer([.. splits], digits, nfc, root.Object("model")?.Flag("ignore_merges", false) ?? false);
    }

    private static bool IsSameAs(this GgufPreTokenizer a, GgufPreTokenizer b) => a.Splits.SequenceEqual(b.Splits) && (a.Digits, a.Nfc, a.IgnoreMerges) == (b.Digits, b.Nfc, b.IgnoreMerges);
}
