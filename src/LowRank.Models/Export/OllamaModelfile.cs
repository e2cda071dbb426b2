using System.Text;
using LowRank.Formats;
using LowRank.Models.Families;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Export;

/// <summary>
/// Writes an Ollama <c>Modelfile</c> for an export: FROM, ADAPTER, the chat template in Go's form, the texts at which an answer stops. A chat template that does more than put texts around
/// messages is not translated, and the file says so.
/// </summary>
public static class OllamaModelfile
{
    /// <summary>Writes the file for an exported model.</summary>
    /// <param name="path">The file to create or replace, such as <c>Modelfile</c>.</param>
    /// <param name="model">The GGUF file of the model; where it lies beside the Modelfile it is named without its folder.</param>
    /// <exception cref="LowRankException">The model is damaged, or the file cannot be written.</exception>
    public static void WriteForModel(string path, string model)
    {
        using var file = GgufFile.Open(model);
        var tokens = GgufTokenizer.ToConfig(file.Metadata);
        AtomicFile.WriteAllText(path, Text(Reference(path, model), null, tokens, BeginsWithToken(file.Metadata, tokens)));
    }

    /// <summary>Writes the file for an exported adapter.</summary>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="adapter">The GGUF file of the adapter.</param>
    /// <param name="model">The base as Ollama finds it: a GGUF file or a Hugging Face folder.</param>
    /// <exception cref="LowRankException">The base is missing or damaged, or the file cannot be written.</exception>
    public static void WriteForAdapter(string path, string adapter, string model)
    {
        if (model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            using var file = GgufFile.Open(model);
            var tokens = GgufTokenizer.ToConfig(file.Metadata);
            AtomicFile.WriteAllText(path, Text(Reference(path, model), Reference(path, adapter), tokens, BeginsWithToken(file.Metadata, tokens)));
            return;
        }
        // Ollama makes its own GGUF of a folder, whose tokenizer is as the exporter describes it.
        var config = ModelConfig.Load(Path.Combine(model, "config.json"));
        var metadata = new GgufMetadataBuilder { Architecture = GgufArchitecture.For(config.ModelType)?.Name ?? config.ModelType };
        GgufTokenizerDescription.Add(metadata, config, model, config.Require("vocab_size"));
        var described = metadata.Pairs.ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
        var named = GgufTokenizer.ToConfig(described);
        AtomicFile.WriteAllText(path, Text(Reference(path, model), Reference(path, adapter), named, BeginsWithToken(described, named)));
    }

    // The token that the runner itself puts before a text.
    private static string? BeginsWithToken(IReadOnlyDictionary<string, object> metadata, TokenizerConfig tokens) => metadata.ContainsKey("tokenizer.ggml.tokens") && tokens.AddBosToken ? tokens.BosToken : null;

    private static string Text(string model, string? adapter, TokenizerConfig tokens, string? begin)
    {
        var text = new StringBuilder($"FROM {model}\n");
        if (adapter is not null) text.Append($"ADAPTER {adapter}\n");
        var template = tokens.ChatTemplate is { } source ? new ChatTemplate(source, tokens.SpecialTokens.ToDictionary(t => t.Key, t => (object?)t.Value, StringComparer.Ordinal)) : null;
        var form = template is null ? null : TurnForm.Learn(template);
        if (template is null) text.Append("# The model has no chat template: Ollama passes a prompt on as it is.\n");
        else if (form is null || GoTemplate(form, begin) is not { } go)
            text.Append("# The model's chat template does more than put texts around messages, so it is not translated.\n# Ollama reads it out of the GGUF file where it knows it; else write TEMPLATE by hand.\n");
        else
        {
            text.Append($"TEMPLATE \"\"\"{go}\"\"\"\n");
            if (form.DefaultSystem is { } system) text.Append($"SYSTEM \"\"\"{system}\"\"\"\n");
        }
        foreach (var stop in Stops(form, tokens)) text.Append($"PARAMETER stop \"{stop}\"\n");
        return text.ToString();
    }

    private static string? GoTemplate(TurnForm form, string? begin)
    {
        // The runner adds the token of the beginning by itself.
        var start = begin is not null && form.Start.StartsWith(begin, StringComparison.Ordinal) ? form.Start[begin.Length..] : form.Start;
        var text = new StringBuilder(start).Append("{{ range .Messages }}");
        var first = true;
        foreach (var (role, (before, after)) in form.Around.OrderBy(r => r.Key == "system" ? 0 : r.Key == "user" ? 1 : 2))
        {
            text.Append($"{{{{ {(first ? "if" : "else if")} eq .Role \"{role}\" }}}}{before}{{{{ .Content }}}}{after}");
            first = false;
        }
        text.Append("{{ end }}{{ end }}").Append(form.Prompt);
        // Texts with marks of Go's templates or of the Modelfile cannot stand in it as they are.
        var plain = string.Concat(form.Around.Values.Select(v => v.Before + v.After)) + start + form.Prompt + form.DefaultSystem;
        return plain.Contains("{{", StringComparison.Ordinal) || plain.Contains("}}", StringComparison.Ordinal) || plain.Contains("\"\"\"", StringComparison.Ordinal) ? null : text.ToString();
    }

    private static IEnumerable<string> Stops(TurnForm? form, TokenizerConfig tokens)
    {
        var stops = new List<string>();
        if (form?.Around["assistant"].After.Trim() is { Length: > 0 } end && !end.Any(char.IsWhiteSpace)) stops.Add(end);
        if (tokens.EosToken is { } eos) stops.Add(eos);
        return stops.Distinct(StringComparer.Ordinal).Where(s => !s.Contains('"', StringComparison.Ordinal));
    }

    private static string Reference(string from, string to)
    {
        var (folder, target) = (Path.GetDirectoryName(Path.GetFullPath(from))!, Path.GetFullPath(to));
        return Path.GetDirectoryName(target) == folder ? "./" + Path.GetFileName(target) : target;
    }
}
