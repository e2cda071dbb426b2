using LowRank.Optimizers;
using LowRank.Training.Benchmarks;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Settings;

public class SettingsBinderTests
{
    [Fact]
    public void Every_property_of_every_group_is_a_setting()
    {
        var properties = typeof(TrainSettings).GetProperties().SelectMany(g => g.PropertyType.GetProperties()).Where(p => p.CanWrite).Select(p => p.Name);
        Assert.Equal(properties.Count(), SettingsSchema<TrainSettings>.All.Count);
        Assert.All(SettingsSchema<TrainSettings>.All, s => Assert.Matches(@"^[A-Z].*\.$", s.Help));
    }

    [Fact]
    public void Defaults_survive_json() => Assert.Equal(new TrainSettings(), SettingsBinder.FromJson<TrainSettings>(SettingsBinder.ToJson(new TrainSettings()), "run.json"));

    [Fact]
    public void Every_kind_of_value_survives_json()
    {
        var settings = new TrainSettings
        {
            Model = new ModelSettings { Model = "m", Threads = 3 },
            Adapter = new AdapterSettings { Alpha = 0.1, Rslora = true, ModulesToSave = "lm_head" },
            Optimization = new OptimizationSettings { LearningRate = 1.0 / 3, Seed = long.MaxValue },
        };
        Assert.Equal(settings, SettingsBinder.FromJson<TrainSettings>(SettingsBinder.ToJson(settings), "run.json"));
        Assert.Equal(["model", "threads", "alpha", "rslora", "modules-to-save", "learning-rate", "seed"], SettingsBinder.Differences(new TrainSettings(), settings).Select(d => d.Setting.Key));
    }

    [Fact]
    public void The_later_entry_wins_and_auto_leaves_open()
    {
        var settings = Read(("rank", "8"), ("alpha", "4"), ("packing", "true"), ("rank", "2"), ("alpha", "auto"), ("learning-rate", "1e-3"), ("shuffle", "false"));
        Assert.Equal(2, settings.Adapter.Rank);
        Assert.Null(settings.Adapter.Alpha);
        Assert.True(settings.Data.Packing);
        Assert.False(settings.Data.Shuffle);
        Assert.Equal(1e-3, settings.Optimization.LearningRate);
    }

    [Theory]
    [InlineData("rank", "0", "--rank: \"0\" is not a whole number from 1")]
    [InlineData("rank", "8.5", "--rank: \"8.5\" is not a whole number from 1")]
    [InlineData("rank", "auto", "--rank: \"auto\" is not a whole number from 1")]
    [InlineData("method", "", "--method: has no value; expected one of lora, qlora, full")]
    [InlineData("rank", null, "--rank: has no value; expected a whole number from 1")]
    [InlineData("dropout", "1", "--dropout: \"1\" is not a number from 0 to 0.99")]
    [InlineData("learning-rate", "NaN", "--learning-rate: \"NaN\" is not a number from 0")]
    [InlineData("learning-rate", "0,001", "--learning-rate: \"0,001\" is not a number from 0")]
    [InlineData("method", "Lora", "--method: \"Lora\" is not one of lora, qlora, full")]
    [InlineData("shuffle", "yes", "--shuffle: \"yes\" is not true or false")]
    [InlineData("epoch", "1", "--epoch: there is no such setting; did you mean epochs")]
    public void A_wrong_value_is_told_with_what_was_expected(string key, string? value, string message) =>
        Assert.StartsWith(message, Assert.Throws<SettingsException>(() => Read((key, value))).Message, StringComparison.Ordinal);

    [Fact]
    public void All_problems_are_told_together() =>
        Assert.Equal("2 settings cannot be used:\n  --rank: \"0\" is not a whole number from 1\n  --batch: \"x\" is not a whole number from 1",
            Assert.Throws<SettingsException>(() => Read(("rank", "0"), ("batch", "x"))).Message);

    [Fact]
    public void What_a_run_needs_is_asked_for()
    {
        Assert.Equal(3, Assert.Throws<SettingsException>(() => SettingsBinder.RequireComplete(new TrainSettings())).Problems.Count);
        SettingsBinder.RequireComplete(Read(("model", "m"), ("data", "d"), ("output", "o")));
    }

    [Fact]
    public void A_record_without_groups_is_read_too() =>
        Assert.Equal(new BenchmarkSettings { Model = "m", Length = 64 }, SettingsBinder.Read<BenchmarkSettings>([new("model", "m", "--model"), new("length", "64", "--length")]));

    [Fact]
    public void Schedules_are_those_that_need_no_further_number() =>
        Assert.Equal(LearningRateSchedule.Names.Except(["cosine_with_min_lr", "cosine_warmup_with_min_lr"]), SettingsSchema<TrainSettings>.Find("schedule")!.Choices!);

    [Fact]
    public void Yaml_holds_the_same_keys()
    {
        var settings = SettingsBinder.Read<TrainSettings>(Yaml("# a run\nrank: 8\ntarget: [q_proj, v_proj]\nalpha: ~\npacking: true\nmodel: \"null\"\nvalidation:\n"));
        Assert.Equal((8, "q_proj,v_proj", null, true, "null", null), (settings.Adapter.Rank, settings.Adapter.Target, settings.Adapter.Alpha, settings.Data.Packing, settings.Model.Model, settings.Data.Validation));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("# nothing\n", 0)]
    [InlineData("rank: 1\nalpha: 2\n", 2)]
    public void Yaml_may_hold_little(string text, int count) => Assert.Equal(count, Yaml(text).Count);

    [Theory]
    [InlineData("rank: 8\ntraget: qv\n", ":2: traget: there is no such setting; did you mean target")]
    [InlineData("a: 1\nrank: x\n", ":2: rank: \"x\" is not a whole number from 1")]
    [InlineData("rank: [8\n", ":2:1: not YAML")]
    [InlineData("adapter:\n  rank: 8\n", ":2: adapter: expected a value or a list of values")]
    [InlineData("- rank\n", ":1: expected keys with values")]
    [InlineData("rank: 8\nrank: 9\n", ":2:")]
    [InlineData("rank: 8\n---\nrank: 9\n", ":3: a second document")]
    public void Wrong_yaml_is_told_with_its_line(string text, string message) =>
        Assert.Contains(message, Assert.ThrowsAny<LowRankException>(() => SettingsBinder.Read<TrainSettings>(Yaml(text))).Message, StringComparison.Ordinal);

    private static IReadOnlyList<SettingEntry> Yaml(string text)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            return SettingsYaml.Read(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static TrainSettings Read(params (string Key, string? Value)[] entries) => SettingsBinder.Read<TrainSettings>(entries.Select(e => new SettingEntry(e.Key, e.Value, "--" + e.Key)));
}
