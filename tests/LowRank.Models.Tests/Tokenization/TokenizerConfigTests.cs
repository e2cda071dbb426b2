using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Tokenization;

public sealed class TokenizerConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lowrank-config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_empty_folder_says_nothing()
    {
        var config = TokenizerConfig.Load(_folder);
        Assert.Null(config.BosToken);
        Assert.Null(config.ChatTemplate);
        Assert.False(config.AddBosToken || config.AddEosToken);
        Assert.Empty(config.SpecialTokens);
        Assert.Empty(config.NamedChatTemplates);
        Assert.Empty(config.EosTokenIds);
    }

    [Fact]
    public void Tokens_are_texts_or_objects_and_the_older_map_fills_gaps()
    {
        Write("tokenizer_config.json", """
            {"add_bos_token": true, "add_eos_token": null, "bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null,
             "image_token": "<image>", "additional_special_tokens": ["<a>", {"content": "<b>"}], "extra_special_tokens": {"video_token": "<video>"}}
            """);
        Write("special_tokens_map.json", """{"eos_token": "not this", "unk_token": {"content": "<unk>"}, "additional_special_tokens": ["<b>", "<c>"]}""");
        var config = TokenizerConfig.Load(_folder);
        Assert.Equal(("<s>", "</s>", null, "<unk>"), (config.BosToken, config.EosToken, config.PadToken, config.UnkToken));
        Assert.Equal((true, false), (config.AddBosToken, config.AddEosToken));
        Assert.Equal(["<a>", "<b>", "<c>"], config.AdditionalSpecialTokens);
        Assert.Equal(["bos_token", "eos_token", "image_token", "unk_token", "video_token"], config.SpecialTokens.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Extra_special_tokens_may_be_a_list()
    {
        Write("tokenizer_config.json", """{"extra_special_tokens": ["<x>"], "eos_token": "e"}""");
        Assert.Equal(["<x>"], TokenizerConfig.Load(_folder).AdditionalSpecialTokens);
    }

    [Fact]
    public void Several_templates_have_names()
    {
        Write("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]}""");
        var config = TokenizerConfig.Load(_folder);
        Assert.Equal("D", config.ChatTemplate);
        Assert.Equal(new Dictionary<string, string> { ["default"] = "D", ["tool_use"] = "T" }, config.NamedChatTemplates);
    }

    [Fact]
    public void The_template_s_own_file_counts_most()
    {
        Write("tokenizer_config.json", """{"chat_template": "old"}""");
        Assert.Equal("old", TokenizerConfig.Load(_folder).ChatTemplate);
        Assert.Empty(TokenizerConfig.Load(_folder).NamedChatTemplates);
        Write("chat_template.jinja", "new\n");
        Assert.Equal("new\n", TokenizerConfig.Load(_folder).ChatTemplate);
        Directory.CreateDirectory(Path.Combine(_folder, "additional_chat_templates"));
        Write("additional_chat_templates/rag.jinja", "R");
        Assert.Equal("R", TokenizerConfig.Load(_folder).NamedChatTemplates["rag"]);
        Assert.Equal("new\n", TokenizerConfig.Load(_folder).ChatTemplate);
    }

    [Theory]
    [InlineData("2", new[] { 2 })]
    [InlineData("[2, 7]", new[] { 2, 7 })]
    [InlineData("null", new int[0])]
    public void A_generation_may_end_in_several_ways(string json, int[] expected)
    {
        Write("generation_config.json", $$"""{"eos_token_id": {{json}}}""");
        Assert.Equal(expected, TokenizerConfig.Load(_folder).EosTokenIds);
    }

    [Theory]
    [InlineData("tokenizer_config.json", "{\n \"a\": }", "line 2")]
    [InlineData("tokenizer_config.json", "[]", "object")]
    [InlineData("tokenizer_config.json", """{"add_bos_token": "yes"}""", "add_bos_token")]
    [InlineData("tokenizer_config.json", """{"chat_template": 3}""", "chat_template")]
    [InlineData("generation_config.json", """{"eos_token_id": "x"}""", "eos_token_id")]
    public void What_is_wrong_is_said_with_file_and_place(string file, string json, string named)
    {
        Write(file, json);
        var message = Assert.Throws<TokenizerFormatException>(() => TokenizerConfig.Load(_folder)).Message;
        Assert.Contains(file, message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_folder_of_a_real_model_is_read()
    {
        var folder = Golden.At("tokenizers", "smollm2");
        Assert.SkipUnless(Directory.Exists(folder), "the root has no tokenizers/smollm2");
        var config = TokenizerConfig.Load(folder);
        Assert.Equal(("<|im_start|>", "<|im_end|>", "<|im_end|>", "<|endoftext|>"), (config.BosToken, config.EosToken, config.PadToken, config.UnkToken));
        Assert.StartsWith("{% for message in messages %}", config.ChatTemplate, StringComparison.Ordinal);
        Assert.Equal([2], config.EosTokenIds);
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);
}
