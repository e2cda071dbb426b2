using System.Text;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Checkpoints;

/// <summary>
/// Writes the tokenizer of a GGUF model as the files that transformers 5 saves: <c>tokenizer.json</c>, <c>tokenizer_config.json</c>,
/// <c>chat_template.jinja</c>, and named templates in <c>additional_chat_templates</c>. A file without a tokenizer gives none of them.
/// </summary>
internal static class GgufTokenizerFiles
{
    public static void Write(GgufFile file, AtomicFolder target)
    {
        if (!file.Metadata.ContainsKey("tokenizer.ggml.model")) return;
        target.Write("tokenizer.json", GgufTokenizer.ToTokenizerJson(file.Metadata));
        var config = GgufTokenizer.ToConfig(file.Metadata);
        var fields = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["clean_up_tokenization_spaces"] = false,
            // Both transformers 4 and 5 read this class from tokenizer.json alone; whether a text begins with a token stands there.
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
        };
        if (file.Metadata.GetValueOrDefault($"{file.Metadata["general.architecture"]}.context_length") is uint context) fields["model_max_length"] = context;
        foreach (var (name, token) in config.SpecialTokens) fields[name] = token;
        target.Write("tokenizer_config.json", GgufConverter.Json(new JsonObject(fields)));
        if (config.ChatTemplate is { } template) target.Write("chat_template.jinja", Encoding.UTF8.GetBytes(template));
        foreach (var (name, named) in config.NamedChatTemplates)
            if (name != "default") target.Write(Path.Combine("additional_chat_templates", $"{FileName(file, name)}.jinja"), Encoding.UTF8.GetBytes(named));
    }

    private static string FileName(GgufFile file, string name) => name.Length is > 0 and <= 100 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name
        : throw new GgufException(file.Path, $"{file.Path}: the chat template name '{name}' cannot be a file name.", $"tokenizer.chat_template.{name}");
}
