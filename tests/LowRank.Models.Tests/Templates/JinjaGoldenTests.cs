using LowRank.Models.Templates;
using LowRank.Models.Templates.Jinja;
using LowRank.Models.Templates.Jinja.Values;
using LowRank.Testing;

namespace LowRank.Models.Tests.Templates;

/// <summary>Small templates against Jinja 3.1 in the environment of transformers.</summary>
public sealed class JinjaGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Cases() =>
        Golden.Cases("chat/jinja", ChatFixtures.Has("jinja.json") ? ChatFixtures.Read("jinja.json").EnumerateArray().Select(r => r.GetProperty("id").GetString()!) : []);

    [Theory, Trait("Category", "Golden")]
    [MemberData(nameof(Cases))]
    public void Renders_as_jinja_does(string id)
    {
        var row = ChatFixtures.Read("jinja.json").EnumerateArray().Single(r => r.GetProperty("id").GetString() == id);
        var template = row.GetProperty("template").GetString()!;
        var context = row.GetProperty("context").EnumerateObject().ToDictionary(p => p.Name, p => PythonValues.From(p.Value));
        string Render() => new JinjaTemplate(template).Render(context, ChatTemplateLimits.Default, FixedClock.Instance, tracing: false).ToString();

        if (row.TryGetProperty("error", out var error)) ChatFixtures.ExpectError(error, () => Render(), template);
        else Assert.Equal(row.GetProperty("expected").GetString(), Render());
    }
}
