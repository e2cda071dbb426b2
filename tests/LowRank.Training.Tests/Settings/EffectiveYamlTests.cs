using LowRank.Testing;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Settings;

/// <summary><c>train --print-config</c>: every key with its value and where it comes from.</summary>
public sealed class EffectiveYamlTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_setting_is_there_once_with_its_origin()
    {
        var file = folder.Write("run.yaml", "rank: 8\ntarget: [q_proj, v_proj]\nalpha: ~\nmodel: m\n");
        List<SettingEntry> entries = [.. TrainPresets.Entries("lecture"), .. SettingsYaml.Read(file), new("rank", "4", "--rank"), new("data", "자료/행 1.jsonl", "--data")];
        var lines = EffectiveYaml.Write<TrainSettings>(entries).Split('\n');
        Assert.Equal(SettingsSchema<TrainSettings>.All.Select(s => s.Key), lines.Where(l => l.Length > 0 && l[0] != '#').Select(l => l[..l.IndexOf(':', StringComparison.Ordinal)]));
        string Line(string key) => System.Text.RegularExpressions.Regex.Replace(lines.Single(l => l.StartsWith(key + ":", StringComparison.Ordinal)), " +", " ");
        Assert.Equal("rank: 4 # --rank", Line("rank"));
        Assert.Equal("method: qlora # --preset lecture", Line("method"));
        Assert.Equal($"target: q_proj,v_proj # {file}:2", Line("target"));
        Assert.Equal($"alpha: ~ # {file}:3: left open, so the rank (with adalora the initial one), a scaling of 1", Line("alpha"));
        Assert.Equal("dropout: 0 # default", Line("dropout"));
        Assert.Equal("threads: ~ # default: left open, so all processors", Line("threads"));
        Assert.Equal("validation: ~ # default: none", Line("validation"));
        Assert.Equal("output: ~ # missing: --output FOLDER", Line("output"));
        Assert.Equal("data: \"자료/행 1.jsonl\" # --data", Line("data"));
    }

    [Theory]
    [InlineData("null"), InlineData("true"), InlineData("a: b"), InlineData("# no"), InlineData("\"q\""), InlineData(@"C:\m\n"), InlineData(".*layers\\.(0|1)\\..*"), InlineData("org/name@main:test"), InlineData("0.1"), InlineData("10%"), InlineData("한글"), InlineData("- a"), InlineData(" a ")]
    public void It_is_a_file_with_the_same_meaning_whatever_the_values(string text)
    {
        var settings = new TrainSettings
        {
            Model = new ModelSettings { Model = text, Threads = 3 },
            Adapter = new AdapterSettings { Alpha = 0.1, Rslora = true, Target = text },
            Data = new DataSettings { Validation = text },
            Optimization = new OptimizationSettings { LearningRate = 1.0 / 3, Seed = long.MaxValue },
        };
        var file = folder.Write("run.yaml", EffectiveYaml.Write<TrainSettings>([], (settings, "run.json")));
        Assert.Equal(settings, SettingsBinder.Read<TrainSettings>(SettingsYaml.Read(file)));
    }
}
