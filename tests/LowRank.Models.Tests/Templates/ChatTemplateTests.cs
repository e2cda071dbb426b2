using System.Text.Json;
using LowRank.Models.Templates;

namespace LowRank.Models.Tests.Templates;

public sealed class ChatTemplateTests
{
    private static readonly ChatMessage[] Hello = [new("user", "Hi")];

    private static string Render(string source, ChatTemplateOptions? options = null) => new ChatTemplate(source).Render(Hello, options);

    [Fact]
    public void Messages_keep_all_their_fields_in_order()
    {
        using var json = JsonDocument.Parse("""{"role": "tool", "extra": {"b": 1, "a": [1.0, null, 12345678901234567890]}, "content": "x"}""");
        var message = ChatMessage.FromJson(json.RootElement);
        Assert.Equal(["role", "extra", "content"], message.Fields.Keys);
        Assert.Equal("{'role': 'tool', 'extra': {'b': 1, 'a': [1.0, None, 12345678901234567890]}, 'content': 'x'}", new ChatTemplate("{{ messages[0] }}").Render([message]));
        Assert.Equal(message, ChatMessage.FromJson(json.RootElement));
        Assert.NotEqual(message, message.With("content", "y"));
        Assert.Equal("x", message.Content);
    }

    [Fact]
    public void A_message_that_is_no_object_is_refused()
    {
        using var json = JsonDocument.Parse("[1]");
        Assert.Contains("JSON object", Assert.Throws<LowRankException>(() => ChatMessage.FromJson(json.RootElement)).Message);
    }

    [Fact]
    public void Tools_and_extra_variables_take_plain_net_values()
    {
        var options = new ChatTemplateOptions
        {
            Tools = new[] { new Dictionary<string, object?> { ["name"] = "f", ["limit"] = 3 } },
            ExtraVariables = new Dictionary<string, object?> { ["on"] = true, ["ratio"] = 0.5f },
        };
        Assert.Equal("""[{"name": "f", "limit": 3}] True 0.5""", Render("{{ tools | tojson }} {{ on }} {{ ratio }}", options));
    }

    [Fact]
    public void The_templates_refusal_is_told_in_its_words()
    {
        var error = Assert.Throws<ChatTemplateException>(() => Render("{{ raise_exception('no system role') }}"));
        Assert.Equal(("raise_exception", "no system role"), (error.Kind, error.Detail));
        Assert.Equal("The chat template refuses the conversation: no system role", error.Message);
    }

    [Theory]
    [InlineData("a\n\n{{ nothing.x }}", 3, "UndefinedError", "'nothing' is undefined")]
    [InlineData("{% if true %}\n{% for m in messages %}\n{{ m.content + 1 }}{% endfor %}{% endif %}", 3, "TypeError", "can only concatenate str (not \"int\") to str")]
    [InlineData("x\n{% if %}{% endif %}", 2, "TemplateSyntaxError", "Expected an expression, got 'end of statement block'")]
    [InlineData("x\n{{ y | nope }}", 2, "TemplateAssertionError", "No filter named 'nope'.")]
    public void An_error_names_its_line(string source, int line, string kind, string detail)
    {
        var error = Assert.Throws<ChatTemplateException>(() => Render(source));
        Assert.Equal((line, kind, detail), (error.Line, error.Kind, error.Detail));
    }

    [Theory]
    [InlineData("{{ ''.__class__.__mro__ }}")]
    [InlineData("{{ messages.append(1) }}")]
    [InlineData("{{ messages[0].update({'role': 'x'}) }}")]
    [InlineData("{{ '{0.__class__.__name__}'.format(messages) }}")]
    public void The_sandbox_refuses(string source) =>
        Assert.Equal("SecurityError", Assert.Throws<ChatTemplateException>(() => Render(source)).Kind);

    [Theory]
    [InlineData("{% include 'other' %}")]
    [InlineData("{% import 'other' as o %}")]
    [InlineData("{% extends 'other' %}")]
    public void Other_templates_are_not_read(string source) => Assert.Throws<ChatTemplateException>(() => Render(source));

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{{ 'x' * 10 ** 12 }}")]
    [InlineData("{{ [1] * 10 ** 12 }}")]
    [InlineData("{{ 'x' | center(2000000000) }}")]
    [InlineData("{{ '%2000000000d' % 1 }}")]
    [InlineData("{{ '{:>2000000000}'.format(1) }}")]
    [InlineData("{{ 9 ** (9 ** 9) }}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s | replace('x', 'xx') %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}")]
    [InlineData("{% set ns = namespace(a=[], b=[]) %}{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}{% endfor %}{{ ns.a == ns.b }}")]
    public void A_template_without_end_is_stopped(string source)
    {
        var error = Assert.Throws<ChatTemplateException>(() => Render(source));
        Assert.Equal(ChatTemplateException.LimitExceeded, error.Kind);
    }

    [Fact]
    public void Ranges_are_bounded_as_in_jinja() => Assert.Equal("OverflowError", Assert.Throws<ChatTemplateException>(() => Render("{{ range(100001) }}")).Kind);

    [Theory]
    [InlineData('(', ')')]
    [InlineData('[', ']')]
    public void Deep_nesting_is_refused_by_the_parser(char open, char close)
    {
        var source = "{{ " + new string(open, 100_000) + "1" + new string(close, 100_000) + " }}";
        Assert.Throws<ChatTemplateException>(() => Render(source));
        Assert.Throws<ChatTemplateException>(() => Render(string.Concat(Enumerable.Repeat("{% if true %}", 100_000))));
        Assert.Throws<ChatTemplateException>(() => Render("{{ " + string.Concat(Enumerable.Repeat("1 + ", 200_000)) + "1 }}"));
        Assert.Throws<ChatTemplateException>(() => Render("{{ x" + string.Concat(Enumerable.Repeat(".y", 200_000)) + " }}"));
    }

    [Fact]
    public void A_final_message_is_continued_where_its_text_ends()
    {
        var template = new ChatTemplate("{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</s>{% endfor %}");
        ChatMessage[] messages = [new("user", "Count."), new("assistant", "1, 2, ")];
        Assert.Equal("<user>Count.</s><assistant>1, 2,", template.Render(messages, new() { ContinueFinalMessage = true }));
        Assert.Throws<ChatTemplateException>(() => template.Render(messages, new() { ContinueFinalMessage = true, AddGenerationPrompt = true }));
        Assert.Throws<ChatTemplateException>(() => template.Render([], new() { ContinueFinalMessage = true }));
        Assert.Throws<ChatTemplateException>(() => new ChatTemplate("{{ messages[0].role }} content").Render(messages, new() { ContinueFinalMessage = true }));
    }

    [Fact]
    public void One_template_renders_on_several_threads()
    {
        var template = new ChatTemplate("{% for m in messages %}{% set x = m.content %}{{ loop.index }}{{ x }}{% endfor %}");
        Parallel.For(0, 1000, i => Assert.Equal($"1{i}2b", template.Render([new("user", $"{i}"), new("user", "b")])));
    }
}
