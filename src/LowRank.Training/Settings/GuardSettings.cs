using LowRank.Adapters;
using LowRank.Training.Guards;

namespace LowRank.Training.Settings;

/// <summary>Which mistakes are looked for.</summary>
public sealed record GuardSettings
{
    /// <summary>Guards that keep quiet.</summary>
    [Setting("silence", "Guards that keep quiet, by the names that stand in brackets in front of their warnings and errors, with commas; docs/guards.md lists them.", Value = "GUARDS")]
    public string? Silence { get; init; }

    /// <summary>The names, one by one.</summary>
    /// <exception cref="SettingsException">There is no such guard, or it cannot be silenced; all problems are listed.</exception>
    public IReadOnlyList<string> Names()
    {
        string[] names = Silence?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        var problems = names.Where(n => !GuardIds.CanBeSilenced(n)).Select(Problem).ToList();
        return problems.Count > 0 ? throw new SettingsException(problems) : names;
    }

    private static string Problem(string name)
    {
        if (GuardIds.All.Contains(name)) return $"--silence: {name} cannot be silenced: the run could not go on without it";
        var near = NearestNames.Of(name, GuardIds.All);
        return $"--silence: there is no guard \"{name}\"; {(near.Count > 0 ? $"did you mean {string.Join(" or ", near)}?" : $"there are {string.Join(", ", GuardIds.All)}")}";
    }
}
