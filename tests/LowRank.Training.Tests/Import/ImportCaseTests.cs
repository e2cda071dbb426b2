using System.Text.RegularExpressions;
using LowRank.Testing;
using LowRank.Training.Import;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Import;

/// <summary>Whole files of each tool, as people have them, with what they become (<c>NAME.expected.yaml</c> beside them).</summary>
public sealed class ImportCaseTests : IDisposable
{
    private static readonly string Cases = Path.Combine(AppContext.BaseDirectory, "Import", "cases");
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => [.. Directory.GetFiles(Cases, "*", SearchOption.AllDirectories)
        .Where(f => !f.EndsWith(".expected.yaml", StringComparison.Ordinal)).Select(f => Path.GetRelativePath(Cases, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_becomes_these_settings(string name)
    {
        var path = Path.Combine(Cases, name);
        var run = ConfigImport.Read([path], new ImportOptions());
        var text = ImportedYaml.Write(run);
        Assert.Equal(File.ReadAllText(Path.ChangeExtension(path, ".expected.yaml")).ReplaceLineEndings("\n"), text);
        // It is a file for --config, and says the same there.
        Assert.Equal(run.Bind(), SettingsBinder.Read<TrainSettings>(SettingsYaml.Read(folder.Write("run.yaml", text))));
        // The folder of the case is the tool that was recognised.
        Assert.Equal(name.Split('/')[0], run.Sources.Single().Tool.ToLowerInvariant());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_key_is_dropped_in_silence(string name)
    {
        var path = Path.Combine(Cases, name);
        var (document, text) = (SourceDocument.Load(path), ImportedYaml.Write(ConfigImport.Read([path], new ImportOptions())));
        var comments = string.Join('\n', text.Split('\n').Select(l => l.IndexOf('#', StringComparison.Ordinal) is >= 0 and var at ? l[at..] : ""));
        Assert.All(document.Keys.Where(document.Has), key => Assert.Matches($@"(?<!\w){Regex.Escape(key)}(?!\w)", comments));
    }

    [Fact]
    public void There_are_several_of_each_tool() =>
        Assert.All(["llama-factory", "axolotl", "trl", "peft"], tool => Assert.InRange(Names.Count(n => ((string)n.Data).StartsWith(tool + "/", StringComparison.Ordinal)), 3, int.MaxValue));

    [Fact]
    public void A_trainers_file_and_an_adapters_make_one_run()
    {
        string[] files = [Path.Combine(Cases, "peft", "lora.json"), Path.Combine(Cases, "trl", "sft_config.json")];
        var run = ConfigImport.Read(files, new ImportOptions { Data = "rows.jsonl" });
        var settings = run.Bind();
        Assert.Equal(("lora", "dora", 8, 32.0, 0.1, "q_proj,v_proj"), (settings.Adapter.Method, settings.Adapter.Variant, settings.Adapter.Rank, settings.Adapter.Alpha, settings.Adapter.Dropout, settings.Adapter.Target));
        Assert.Equal(("HuggingFaceTB/SmolLM2-135M-Instruct", "rows.jsonl", 1e-4, 4, 20.0, 2048), (settings.Model.Model, settings.Data.Data, settings.Optimization.LearningRate, settings.Optimization.Batch, settings.Optimization.Warmup, settings.Data.MaxLength));
        SettingsBinder.RequireComplete(settings);
        // Neither "the file names no adapter" nor "it says nothing of the training" is said.
        Assert.Empty(run.Notes);
    }
}
