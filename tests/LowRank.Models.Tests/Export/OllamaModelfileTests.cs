using System.Text.Json;
using LowRank.Formats;
using LowRank.Models.Export;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Models.Tests.Export;

public sealed class OllamaModelfileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> Templates => Golden.Cases("chat/turn-form", "chat/templates", "*.jinja");

    // A form is only given where it renders conversations as the Jinja source does: here those of the reference data that are plain, which the form has not seen.
    [Theory, MemberData(nameof(Templates)), Trait("Category", "Golden")]
    public void A_form_renders_plain_conversations_as_the_template_does(string name)
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Golden.At("chat", "templates", "index.json")));
        var tokens = index.RootElement.GetProperty("templates").GetProperty(name).GetProperty("tokens").EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value.GetString(), StringComparer.Ordinal);
        var template = new ChatTemplate(File.ReadAllText(Golden.At("chat", "templates", name + ".jinja")), tokens);
        var form = TurnForm.Learn(template);
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {(form is null ? "no form" : $"start {JsonSerializer.Serialize(form.Start)}, default {form.DefaultSystem is not null}, prompt {JsonSerializer.Serialize(form.Prompt)}, {string.Join(", ", form.Around.Keys)}")}");
        // Plain ones have to be found; those that tell the date, or put the system message into the user's, must not.
        if (name is "chatml" or "smollm2" or "qwen2.5" or "gemma2" or "llama3") Assert.NotNull(form);
        if (name is "llama3.1" or "llama3.2" or "gemma3" or "mistral-nemo" or "qwen3" or "gpt-oss") Assert.Null(form);
        if (form is null) return;
        ChatMessage[] turns = [new("user", "One  two?"), new("assistant", "A, b.\n\nC"), new("user", "<b>3</b>"), new("assistant", "4"), new("user", "'5'"), new("assistant", "six"), new("user", "7")];
        for (var count = 1; count <= turns.Length; count += 2)
            foreach (var system in new[] { false, true }.Where(s => !s || form.Around.ContainsKey("system")))
            {
                ChatMessage[] messages = [.. system ? [new ChatMessage("system", "Be kind.")] : Array.Empty<ChatMessage>(), .. turns[..count]];
                Assert.Equal(template.Render(messages, new ChatTemplateOptions { AddGenerationPrompt = true }), form.Render(messages, true));
            }
    }

    [Fact]
    public void Chatml_is_translated_with_its_default_system_message()
    {
        const string source = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe good<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
        Assert.Equal(""""
            FROM ./model.gguf
            TEMPLATE """{{ range .Messages }}{{ if eq .Role "system" }}<|im_start|>system
            {{ .Content }}<|im_end|>
            {{ else if eq .Role "user" }}<|im_start|>user
            {{ .Content }}<|im_end|>
            {{ else if eq .Role "assistant" }}<|im_start|>assistant
            {{ .Content }}<|im_end|>
            {{ end }}{{ end }}<|im_start|>assistant
            """
            SYSTEM """Be good"""
            PARAMETER stop "<|im_end|>"

            """", Written(source, addBegin: false));
    }

    [Fact]
    public void The_token_of_the_beginning_is_left_to_the_runner()
    {
        const string source = "{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}";
        var text = Written(source, addBegin: true);
        Assert.DoesNotContain("<|im_start|>", text, StringComparison.Ordinal);
        Assert.Contains("TEMPLATE \"\"\"{{ range .Messages }}{{ if eq .Role", text, StringComparison.Ordinal);
        Assert.Contains("<start_of_turn>model\n{{ .Content }}<end_of_turn>\n", text, StringComparison.Ordinal);
        Assert.Contains("PARAMETER stop \"<end_of_turn>\"", text, StringComparison.Ordinal);
        Assert.Contains("TEMPLATE \"\"\"<|im_start|>{{ range", Written(source, addBegin: false), StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_does_more_is_told_in_a_comment()
    {
        const string source = "{% for m in messages %}{{ loop.index }}: {{ m.content }}\n{% endfor %}";
        var text = Written(source, addBegin: false);
        Assert.Contains("# The model's chat template does more than put texts around messages, so it is not translated.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("TEMPLATE \"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_stands_beside_its_base()
    {
        File.WriteAllText(Path.Combine(folder, "adapter.gguf"), "");
        Model("{{ messages[0].content }}", addBegin: false);
        OllamaModelfile.WriteForAdapter(Path.Combine(folder, "Modelfile"), Path.Combine(folder, "adapter.gguf"), Path.Combine(folder, "model.gguf"));
        Assert.StartsWith("FROM ./model.gguf\nADAPTER ./adapter.gguf\n", File.ReadAllText(Path.Combine(folder, "Modelfile")), StringComparison.Ordinal);
    }

    private string Written(string template, bool addBegin)
    {
        Model(template, addBegin);
        OllamaModelfile.WriteForModel(Path.Combine(folder, "Modelfile"), Path.Combine(folder, "model.gguf"));
        return File.ReadAllText(Path.Combine(folder, "Modelfile"));
    }

    private void Model(string template, bool addBegin)
    {
        using var writer = GgufWriter.Create(Path.Combine(folder, "model.gguf"), new Dictionary<string, object>
        {
            ["general.architecture"] = "llama", ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = "smollm", ["tokenizer.ggml.tokens"] = new[] { "<|im_start|>", "<|im_end|>" },
            ["tokenizer.ggml.token_type"] = new[] { 3, 3 }, ["tokenizer.ggml.merges"] = Array.Empty<string>(), ["tokenizer.ggml.bos_token_id"] = 0u, ["tokenizer.ggml.eos_token_id"] = 1u,
            ["tokenizer.ggml.add_bos_token"] = addBegin, ["tokenizer.chat_template"] = template,
        }, []);
        writer.Commit();
    }
}
