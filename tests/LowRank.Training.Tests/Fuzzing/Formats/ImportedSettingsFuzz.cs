using System.Text;
using System.Text.RegularExpressions;
using LowRank.Training.Import;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>Settings of other tools, for import-config: words, numbers and keys of the sound ones changed among each other. Past the header when it is one mapping.</summary>
internal sealed partial class ImportedSettingsFuzz() : FuzzFormat("imported-settings")
{
    private static readonly Lazy<(string Text, string Ending)[]> files = new(() => [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Import", "cases"), "*", SearchOption.AllDirectories)
        .Where(f => f.EndsWith(".yaml", StringComparison.Ordinal) || f.EndsWith(".json", StringComparison.Ordinal) || f.EndsWith(".yml", StringComparison.Ordinal))
        .Where(f => !f.EndsWith(".expected.yaml", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(f => (File.ReadAllText(f), Path.GetExtension(f)))]);

    private static readonly Lazy<TokenMutator> mutator = new(() => new TokenMutator(Tokens(), KindOf, files.Value.Select(f => f.Text),
        "~", "null", "true", "false", "0", "-1", "1e400", "9223372036854775808", "[]", "{}", ".nan", "&a", "*a", "- x", "2026-01-01", "\"\"", "all", "auto"));

    public override byte[] Make(FuzzRandom random)
    {
        var text = mutator.Value.Damaged(random.Pick(files.Value).Text, random);
        if (random.OneIn(300)) text += "\nx: " + new string('[', 20000);
        var bytes = Encoding.UTF8.GetBytes(text);
        return random.OneIn(10) ? ByteMutator.Damage(bytes, random) : bytes;
    }

    public override void Read(FuzzInput input)
    {
        var path = input.Write("settings.yaml");
        SourceDocument.Load(path);
        input.PassHeader();
        var run = ConfigImport.Read([path], new ImportOptions());
        ImportedYaml.Write(run);
    }

    // Keys change with keys and values with values, so that the lines stay lines of YAML.
    private static int KindOf(string token) => token.EndsWith(':') ? 0 : char.IsDigit(token[0]) ? 1 : 2;

    [GeneratedRegex("""^ *[\w-]+:|(?<=[ "])[\w./+-]+(?=["\n,])""", RegexOptions.Multiline)]
    private static partial Regex Tokens();
}
