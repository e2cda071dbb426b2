using LowRank.Testing;
using LowRank.Training.Import;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Settings;

/// <summary>YAML that its library would end the process over, or never be done with.</summary>
public sealed class YamlFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Nesting_without_an_end_is_refused_with_its_place()
    {
        var path = folder.Write("run.yaml", "rank: 8\ntarget: " + new string('[', 100000));
        Assert.Matches(@"run\.yaml:2:\d+: not YAML: it is nested more than 64 levels deep", Assert.Throws<LowRankException>(() => SettingsYaml.Read(path)).Message);
        Assert.Contains("neither YAML nor JSON: it is nested", Assert.Throws<LowRankException>(() => SourceDocument.Load(path)).Message, StringComparison.Ordinal);
        var blocks = folder.Write("blocks.yaml", string.Concat(Enumerable.Range(0, 2000).Select(i => $"{new string(' ', i)}a:\n")));
        Assert.Contains("it is nested more than 64 levels deep", Assert.Throws<LowRankException>(() => SettingsYaml.Read(blocks)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_parser_gives_up_on_is_refused_with_its_place()
    {
        var path = folder.Write("run.yaml", "double-quant: -5%\n{ave-every: every: ~\naccumulate: 1\n");
        Assert.Matches(@"run\.yaml:1:\d+: not YAML: what follows is not understood", Assert.Throws<LowRankException>(() => SettingsYaml.Read(path)).Message);
    }

    [Fact]
    public void Aliases_of_aliases_are_counted_as_what_they_stand_for()
    {
        var laughs = "k0: &b0 [x, x]\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"k{i}: &b{i} [*b{i - 1}, *b{i - 1}]\n"));
        Assert.Contains("its aliases stand for more than 100000 values", Assert.Throws<LowRankException>(() => SourceDocument.Load(folder.Write("laughs.yaml", laughs))).Message, StringComparison.Ordinal);
        Assert.Contains("the alias *a stands inside of what it stands for", Assert.Throws<LowRankException>(() => SettingsYaml.Read(folder.Write("self.yaml", "a: &a [1, *a]\n"))).Message, StringComparison.Ordinal);
        Assert.Equal(["8", "8"], SettingsYaml.Read(folder.Write("fine.yaml", "rank: &r 8\nalpha: *r\n")).Select(e => e.Value));
    }
}
