using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LowRank.Models.Templates;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>Chat templates of real models whose names, attributes, filters, tests, operators and literals are changed among each other, rendered over conversations. Past the header when it parses.</summary>
internal sealed partial class ChatTemplateFuzz() : FuzzFormat("chat-template")
{
    private static readonly Lazy<string[]> files = new(() => [.. SoundFiles.Below("chat", ".jinja", SearchOption.AllDirectories).Select(File.ReadAllText).Where(t => t.Length < 8000), Everything]);

    private static readonly Lazy<TokenMutator> mutator = new(() => new TokenMutator(Tokens(), KindOf, files.Value,
        "99999999999999999999", "1e308", "0.1", "-1", "'%s %d %(a)s'", "'{0:>10} {a!r}'", "''", "'é😀'", "| length", "| reverse", "| sort", "| unique", "| batch", "| center", "| int", "| float", "| round", "| sum", "| wordwrap",
        "| xmlattr", "| format", "| groupby", "| map", "| select", "| tojson", "| indent", "| truncate", "is odd", "is divisibleby", "is sameas", "is iterable", "**", "//", "<<", "<", ">="));

    private static readonly Lazy<(IReadOnlyList<ChatMessage> Messages, object? Tools)[]> conversations = new(() =>
        [.. SoundFiles.Json(SoundFiles.Below("chat", "conversations.json")).SelectMany(j => j.EnumerateObject()).Where(c => c.Value.TryGetProperty("messages", out var m) && m.ValueKind == JsonValueKind.Array)
            .Select(c => ((IReadOnlyList<ChatMessage>)[.. c.Value.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson)], (object?)(c.Value.TryGetProperty("tools", out var t) ? t : null)))]);

    // What real templates use rarely.
    private const string Everything = """
        {%- macro show(x, depth=0) -%}{{ x }}{% if depth < 3 %}{{ show(x, depth + 1) }}{% endif %}{%- endmacro -%}
        {% set ns = namespace(n=0, all=[]) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}
        {{ "%s-%05.1f" | format("a", 2.5) }}{{ "{:>8}|{x}".format(1, x='y') }}{{ messages[0].content[:3] | upper }}{{ messages | map(attribute='role') | unique | join(', ') }}
        {% for k, v in messages[0].items() recursive %}{{ loop.index }}{{ k ~ v }}{% else %}none{% endfor %}{{ [3, 1, 2] | sort | first }}{{ (1, 2) + (3,) }}{{ 7 // 2 ** 3 % 5 }}
        {% filter upper %}text{% endfilter %}{% call(m) show(1) %}{{ m }}{% endcall %}{{ messages | tojson(indent=2) }}{{ "a b c".split(' ')[-1] }}{{ 'x' * 5 }}{{ strftime_now('%d %b %Y') }}
        {{ messages | groupby('role') | list | length }}{{ none is none and 1 is number and 'a' in 'abc' and not false }}{{ {'a': [1, {'b': 2}]}.a[1]['b'] }}{% generation %}x{% endgeneration %}
        """;

    public override byte[] Make(FuzzRandom random)
    {
        var text = mutator.Value.Damaged(random.Pick(files.Value), random);
        if (random.OneIn(200)) text += random.Below(5) switch
        {
            0 => "{{ " + new string('(', 5000) + "1" + new string(')', 5000) + " }}",
            1 => "{{ " + new string('[', 5000) + new string(']', 5000) + " }}",
            2 => string.Concat(Enumerable.Repeat("{% if 1 %}", 3000)) + string.Concat(Enumerable.Repeat("{% endif %}", 3000)),
            3 => "{{ " + string.Concat(Enumerable.Repeat("1 + ", 5000)) + "1 }}",
            _ => "{% for a in range(99999) %}{% for b in range(99999) %}{{ messages }}{% endfor %}{% endfor %}",
        };
        return Encoding.UTF8.GetBytes(text);
    }

    public override void Read(FuzzInput input)
    {
        var template = new ChatTemplate(input.Text, new Dictionary<string, object?> { ["bos_token"] = "<s>", ["eos_token"] = "</s>" });
        input.PassHeader();
        var (messages, tools) = conversations.Value[input.Bytes.Length % conversations.Value.Length];
        var options = new ChatTemplateOptions { Tools = tools, AddGenerationPrompt = input.Bytes.Length % 2 == 0, ContinueFinalMessage = input.Bytes.Length % 2 == 1 && input.Bytes.Length % 3 == 0 };
        LowRankException? refused = null;
        try
        {
            template.Render(messages, options);
        }
        catch (LowRankException error)
        {
            refused = error;
        }
        template.RenderWithSpans(messages, options);
        Assert.Null(refused);
    }

    private static int KindOf(string token) => token[0] switch
    {
        '|' => 1,
        '.' => 2,
        '\'' or '"' => 3,
        >= '0' and <= '9' => 4,
        'i' when token.StartsWith("is ", StringComparison.Ordinal) => 5,
        _ when char.IsLetter(token[0]) || token[0] == '_' => token is "and" or "or" ? 6 : 7,
        _ => 8,
    };

    // Keywords of statements are left alone, or next to nothing would parse.
    [GeneratedRegex("""\| ?\w+|\.[a-z_]\w*|'[^'\n]*'|"[^"\n{}]*"|\b\d+\b|\bis (?:not )?\w+|\b(?:and|or)\b|(?<=[({\[,=~+ ])(?!(?:if|else|elif|for|in|not|is|set|macro|endfor|endif|endmacro|endset|generation|endgeneration|recursive|block|filter|call|break|continue)\b)[a-z_]\w*(?=[\])}.\[,(|~+ ])|[=!<>]=|~|\+(?!\s*%)|\*""")]
    private static partial Regex Tokens();
}
