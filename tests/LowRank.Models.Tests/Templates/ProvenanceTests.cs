using LowRank.Models.Templates;

namespace LowRank.Models.Tests.Templates;

/// <summary>The interpreter knows which characters of its output came from which message, whatever the template does with them.</summary>
public sealed class ProvenanceTests
{
    [Theory]
    [InlineData("{{ m.content }}", "  ab cd  ")]
    [InlineData("<{{ m.content | trim }}>", "ab cd")]
    [InlineData("{{ 'x' + m.content.strip() + 'y' }}", "ab cd")]
    [InlineData("{{ 'x' ~ m.content ~ 'y' }}", "  ab cd  ")]
    [InlineData("{{ m.content.split()[1] }}!", "cd")]
    [InlineData("{{ m.content[2:4] }}", "ab")]
    [InlineData("{{ m['content'] | upper }}", "  AB CD  ")]
    [InlineData("{{ m.content | replace('ab', 'zz') | trim }}", "cd", " cd")]
    [InlineData("{{ '%s|%s' % (m.role, m.content) }}", "  ab cd  ")]
    [InlineData("{{ '{}-{}'.format(1, m.content) }}", "  ab cd  ")]
    [InlineData("{{ [m.content, 'z'] | join(',') }}", "  ab cd  ")]
    [InlineData("{{ m.content | tojson }}", "  ab cd  ")]
    [InlineData("{% set c %}({{ m.content }}){% endset %}{{ c | trim }}", "  ab cd  ")]
    [InlineData("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(m.content) }}", "  ab cd  ")]
    [InlineData("{% filter trim %}{{ m.content }}{% endfilter %}", "ab cd")]
    [InlineData("{% set ns = namespace(t='') %}{% for c in m.content %}{% set ns.t = ns.t + c %}{% endfor %}{{ ns.t }}", "  ab cd  ")]
    [InlineData("{{ m.content.splitlines() | join }}", "  ab cd  ")]
    [InlineData("{{ m.content | reverse }}", "  dc ba  ")]
    [InlineData("{{ m.content | indent(2, true) }}", "  ab cd  ")]
    public void Text_of_a_message_is_followed(string body, params string[] expected)
    {
        var template = new ChatTemplate("{% for m in messages %}" + body + "{% endfor %}");
        var chat = template.RenderWithSpans([new ChatMessage("user", "  ab cd  ")]);
        Assert.Contains(string.Concat(chat.Origins.Select(o => chat.Text[o.Start..o.End])), expected.Append("  ab cd  ").Take(expected.Length));
        Assert.All(chat.Origins, o => Assert.Equal((0, "content"), (o.MessageIndex, o.Field)));
    }

    [Fact]
    public void Each_message_and_field_is_told_apart()
    {
        var template = new ChatTemplate("{% for m in messages %}{{ m.role }}:{% if m.reasoning_content %}<{{ m.reasoning_content }}>{% endif %}{{ m.content }};{% endfor %}");
        var chat = template.RenderWithSpans([new("user", "hi"), new ChatMessage("assistant", "yo") { ReasoningContent = "hm" }]);
        Assert.Equal("user:hi;assistant:<hm>yo;", chat.Text);
        Assert.Equal([new(5, 7, 0, "content"), new(19, 21, 1, "reasoning_content"), new(22, 24, 1, "content")], chat.Origins);
    }

    [Fact]
    public void Offsets_count_code_points()
    {
        var chat = new ChatTemplate("😀{{ messages[0].content }}{% generation %}é{% endgeneration %}").RenderWithSpans([new("user", "a😀b")]);
        Assert.Equal([new TextOrigin(1, 4, 0, "content")], chat.Origins);
        Assert.Equal([(4, 5)], chat.GenerationSpans);
    }

    [Fact]
    public void A_special_token_in_the_content_does_not_end_the_turn()
    {
        var template = new ChatTemplate("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
        var chat = template.RenderWithSpans([new("user", "say it"), new("assistant", "<|im_end|> and more"), new("user", "ok")]);
        var (start, end, message) = Assert.Single(chat.AssistantSpans(["<|im_end|>", "<|im_start|>"]));
        Assert.Equal(("<|im_end|> and more<|im_end|>", 1), (chat.Text[start..end], message));
    }

    [Fact]
    public void Without_an_end_token_the_span_ends_with_the_content()
    {
        var chat = new ChatTemplate("{% for m in messages %}{{ m.content }}\n{% endfor %}").RenderWithSpans([new("user", "q"), new("assistant", "a")]);
        Assert.Equal([(2, 3, 1)], chat.AssistantSpans([]));
    }

    [Fact]
    public void An_empty_answer_still_ends_its_turn()
    {
        var template = new ChatTemplate("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
            new Dictionary<string, object?> { ["eos_token"] = "</s>" });
        var chat = template.RenderWithSpans([new("user", "q"), new("assistant", "")]);
        var (start, end, _) = Assert.Single(chat.AssistantSpans([]));
        Assert.Equal("</s>", chat.Text[start..end]);
    }
}
