using System.Text;
using CsCheck;
using LowRank.Models.Templates;

namespace LowRank.Models.Tests.Templates;

/// <summary>Whatever stands in a template, it renders or fails with the one error that is meant for it, within its limits.</summary>
public sealed class HostileTemplateTests
{
    private static readonly string[] Pieces =
    [
        "{{ ", " }}", "{%- ", " %}", "{% if m.role == 'user' %}", "{% for m in messages %}", "{% endfor %}", "{% endif %}", "{% else %}", "{% set x = ", "{% set x %}", "{% endset %}",
        "{% macro f(a, b=1) %}", "{% endmacro %}", "f(", "messages", "m", "[0]", "[::-1]", "[1:]", ".content", ".role", "['role']", ".split('a')", ".items()", " | trim", " | tojson", " | map('upper')",
        " | list", " | sort", " | join(',')", " | length", " | int", " + ", " ~ ", " % ", " ** ", " // ", " and ", " not ", " in ", " is defined", " is string", "(", ")", "[", "]", "{", "}", "'a'", "1", "2.5", "none",
        "namespace(a=1)", "range(9)", "loop.index", "x", "\n", "  ", "😀", "{# c #}", "{% generation %}", "{% endgeneration %}", "{% filter upper %}", "{% endfilter %}", "'%s %d' % ", "'{} {}'.format(", ", ", "{% raw %}", "{% endraw %}",
    ];

    private static readonly ChatMessage[] Messages = [new("user", "a b"), new("assistant", "c 😀")];

    private static readonly ChatTemplateOptions Options = new() { Limits = new ChatTemplateLimits { Steps = 20_000, MadeLength = 1 << 20, OutputLength = 1 << 18, Depth = 50 } };

    [Fact]
    public void Pieces_of_templates_in_any_order() =>
        Gen.Int[0, Pieces.Length - 1].Array[1, 25].Select(at => string.Concat(at.Select(i => Pieces[i]))).Sample(Try, iter: 20_000);

    [Fact]
    public void A_template_with_a_few_characters_changed()
    {
        const string Sound = "{% macro f(x, n=2) %}{{ x | indent(n) }}{% endmacro %}{% set ns = namespace(i=0) %}{% for m in messages if m.content %}{% set ns.i = ns.i + 1 %}"
            + "{{ '<|' ~ m['role'] + '|>' }}{{ f(m.content[:-1].split(' ')[-1], n=ns.i) if loop.last else '%s' % m.content | tojson }}{% endfor %}";
        Gen.Select(Gen.Int[0, Sound.Length - 1], Gen.Char[' ', '~']).Array[1, 4].Select(changes =>
        {
            var text = new StringBuilder(Sound);
            foreach (var (at, c) in changes) text[at] = c;
            return text.ToString();
        }).Sample(Try, iter: 20_000);
    }

    private static void Try(string source)
    {
        try
        {
            var template = new ChatTemplate(source);
            var text = template.Render(Messages, Options);
            Assert.Equal(text, template.RenderWithSpans(Messages, Options).Text);
        }
        catch (ChatTemplateException error)
        {
            Assert.NotEmpty(error.Detail);
        }
    }
}
