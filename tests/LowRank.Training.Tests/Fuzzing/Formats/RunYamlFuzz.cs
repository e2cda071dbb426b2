using System.Text;
using LowRank.Training.Settings;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>Files for --config: keys of the settings with values of every kind. Past the header when it is YAML with plain keys and values; then all that a run checks before it reads data.</summary>
internal sealed class RunYamlFuzz() : FuzzFormat("run-yaml")
{
    private static readonly string[] values =
    [
        "~", "", "\"\"", "null", "true", "no", "0", "1", "-1", "8", "1e400", "-1e-400", ".nan", ".inf", "0x10", "0o17", "1_000", "2147483648", "9223372036854775808", "1e3", "5%", "50%", "-5%", "1e999%", "2026-01-01", "q_proj,v_proj",
        "[q_proj, v_proj]", "[]", "[1, 2.5, x]", "'it''s'", "\"\\0\"", "\"\\uD800\"", "\"\\u00e9\"", "\"(a+)+$\"", "all-linear", "qv", "cosine", "adamw", "cpu", "cuda:99", "80%", "4GB", "999999999999GB", "-1GB", "tensorboard,wandb", "mlflow",
        "http://127.0.0.1:1", "a=b,c=d", "=", ",", "a.jsonl=2,b.jsonl=x", "!!str 5", "|\n  two\n  lines", ">-\n  one\n  line", "한글", "../../etc", "*", "%s", "@x",
    ];

    private static readonly string[] broken = ["{a: b}", "[[a]]", "*a", "\"", "'", "]", ": :", "!!binary x", "&a [*a]", "@", "`", "- a", "\t- x", "a: b", "\"\\x\""];

    public override byte[] Make(FuzzRandom random)
    {
        var settings = SettingsSchema<TrainSettings>.All;
        var text = new StringBuilder();
        if (random.OneIn(20)) text.Append("%YAML 1.1\n---\n");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var lines = random.Between(1, 12); lines > 0; lines--)
        {
            var setting = random.Pick(settings);
            // A key that stands twice is no YAML.
            if (!seen.Add(setting.Key) && !random.OneIn(20)) continue;
            var key = random.OneIn(60) ? $"\"{setting.Key}\"" : random.OneIn(40) ? setting.Key[1..] : setting.Key;
            // Mostly what the setting takes, else all runs would end at the first values.
            var value = random.OneIn(60) ? random.Pick(broken) : random.OneIn(3) ? random.Pick(values)
                : setting.Choices is { } choices ? random.Pick(choices) : YamlText.Of(setting, Setting.Format(setting.Default));
            text.Append(key).Append(random.OneIn(100) ? ":" : ": ").Append(value).Append(random.OneIn(20) ? "  # why\n" : random.OneIn(30) ? "\r\n" : "\n");
        }
        if (random.OneIn(200)) text.Append("target: ").Append('[', 20000);
        if (random.OneIn(200)) text.Append(string.Concat(Enumerable.Range(0, 2000).Select(i => $"{new string(' ', i)}a:\n")));
        if (random.OneIn(100)) text.Append("a: &a [x, x]\n").Append(string.Concat(Enumerable.Range(0, 30).Select(i => $"k{i}: &b{i} [{(i == 0 ? "*a, *a" : $"*b{i - 1}, *b{i - 1}")}]\n")));
        if (random.OneIn(80)) text.Append("---\nrank: 1\n");
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.OneIn(10) ? ByteMutator.Damage(bytes, random) : bytes;
    }

    public override void Read(FuzzInput input)
    {
        var entries = SettingsYaml.Read(input.Write("run.yaml"));
        input.PassHeader();
        var settings = SettingsBinder.Read<TrainSettings>(entries);
        settings.Adapter.ToConfig();
        settings.Adapter.ToQuantization();
        settings.Objective.ToOptions(settings);
        // A new folder and data that is not there: everything before is checked, nothing is loaded or written.
        var absent = Path.Combine(input.Folder, "absent");
        using var run = TrainingRun.Create(settings with { Data = settings.Data with { Data = absent }, Output = settings.Output with { Output = absent } });
    }
}
