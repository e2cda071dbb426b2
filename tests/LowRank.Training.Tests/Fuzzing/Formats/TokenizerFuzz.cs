using System.Text;
using System.Text.Json;
using LowRank.Models.Tokenization;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>tokenizer.json of every kind of model, with parts of one in another; then texts through it and back. Past the header when it is a JSON object.</summary>
internal sealed class TokenizerFuzz() : FuzzFormat("tokenizer")
{
    private static readonly string[] sections = ["normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens", "model"];
    private static readonly string[] texts = ["", "Hello, world! 123", "  é 한글 😀\n\te\u0301 ﬀ\u2028x ", "<s>[CLS]</s><unk>▁Ġ"];
    private static readonly Lazy<JsonElement[]> files = new(() => SoundFiles.Json(SoundFiles.Below("tokenizers", "tokenizer.json", SearchOption.AllDirectories)));

    // Parts that the small tokenizers do not have.
    private static readonly (string Section, string Json)[] parts =
    [
        ("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}|[^\\s\\p{L}]+|\\s+(?!\\S)|(?i:'s|'t)"},"behavior":"Isolated","invert":false},{"type":"Digits","individual_digits":true},{"type":"Punctuation","behavior":"MergedWithPrevious"}]}"""),
        ("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"BertPreTokenizer"},{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithNext","invert":true},{"type":"FixedLength","length":5}]}"""),
        ("normalizer", """{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"},{"type":"StripAccents"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"},{"type":"Strip","strip_left":true,"strip_right":false},{"type":"Prepend","prepend":"▁"},{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}]}"""),
        ("decoder", """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":2},{"type":"WordPiece","prefix":"##","cleanup":true}]}"""),
        ("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}"""),
    ];

    public override byte[] Make(FuzzRandom random)
    {
        var sketch = JsonSketch.Of(random.Pick(files.Value));
        if (random.OneIn(3))
        {
            var (section, json) = random.Pick(parts);
            sketch[section]?.Become(JsonSketch.Of(JsonElement.Parse(json)));
        }
        if (random.OneIn(6))
        {
            var section = random.Pick(sections);
            if (JsonSketch.Of(random.Pick(files.Value))[section] is { } other) sketch[section]?.Become(other);
        }
        // The vocabulary has nearly all values of the file and is nearly all alike.
        JsonMutator.Damage(random.OneIn(4) ? sketch : sketch[random.Pick(sections)] ?? sketch, random);
        var bytes = Encoding.UTF8.GetBytes(sketch.Write());
        return random.OneIn(10) ? ByteMutator.Damage(bytes, random) : bytes;
    }

    public override void Read(FuzzInput input)
    {
        if (SoundFiles.IsObject(input.Bytes)) input.PassHeader();
        var tokenizer = Tokenizer.FromJson(input.Bytes, "tokenizer.json");
        foreach (var text in texts)
        {
            var ids = tokenizer.Encode(text, addSpecialTokens: true);
            tokenizer.EncodeWithOffsets(text);
            tokenizer.Decode(ids);
            var stream = tokenizer.CreateStreamingDecoder(skipSpecialTokens: true);
            foreach (var id in ids) stream.Next(id);
        }
    }
}
