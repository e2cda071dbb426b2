using System.Text.Json;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>The small files beside a tokenizer: tokenizer_config.json and those of the same keys. Past the header when it is a JSON object.</summary>
internal sealed class TokenizerConfigFuzz() : FuzzFormat("tokenizer-config")
{
    private static readonly string[] names = ["tokenizer_config.json", "special_tokens_map.json", "chat_template.json", "generation_config.json"];

    private static readonly JsonElement[] files =
    [
        JsonElement.Parse("""{"add_bos_token":true,"add_eos_token":false,"bos_token":"<s>","eos_token":{"__type":"AddedToken","content":"</s>","lstrip":false},"pad_token":null,"additional_special_tokens":["<a>",{"content":"<b>"}],"extra_special_tokens":{"image_token":"<i>"},"chat_template":"{% for m in messages %}{{ m.content }}{% endfor %}","model_max_length":1e30,"added_tokens_decoder":{"0":{"content":"<s>"}}}"""),
        JsonElement.Parse("""{"bos_token":"<s>","chat_template":[{"name":"default","template":"{{ messages }}"},{"name":"tool_use","template":"{{ tools }}"}],"extra_special_tokens":["<x>"],"model_specific_special_tokens":{"y_token":"<y>"}}"""),
        JsonElement.Parse("""{"chat_template":{"default":"a","rag":"b"},"eos_token_id":[1,2,3],"bos_token_id":1}"""),
        JsonElement.Parse("""{"eos_token_id":2,"pad_token_id":0,"temperature":0.6}"""),
    ];

    public override byte[] Make(FuzzRandom random) => JsonMutator.Damaged(random.Pick(files), random);

    public override void Read(FuzzInput input)
    {
        if (SoundFiles.IsObject(input.Bytes)) input.PassHeader();
        foreach (var name in names)
        {
            var path = input.Write(name);
            var config = TokenizerConfig.Load(input.Folder);
            if (config.ChatTemplate is { } template) _ = new ChatTemplate(template, config.SpecialTokens.ToDictionary(t => t.Key, t => (object?)t.Value, StringComparer.Ordinal));
            File.Delete(path);
        }
    }
}
