using LowRank.Optimizers;
using LowRank.Training.Events;

namespace LowRank.Training.Guards;

/// <summary>The guards of one run, without the silenced ones. Each speaks once.</summary>
internal sealed class RunGuards
{
    private readonly GuardedRun run;
    private readonly HashSet<string> spoke = new(StringComparer.Ordinal);
    private readonly List<IGuard> guards;

    /// <param name="run">The run.</param>
    /// <param name="silenced">The names of the guards that keep quiet.</param>
    public RunGuards(GuardedRun run, IEnumerable<string> silenced)
    {
        this.run = run;
        var quiet = silenced.ToHashSet(StringComparer.Ordinal);
        guards = [.. Standard().Where(g => !quiet.Contains(g.Id))];
    }

    /// <summary>A new set of all guards. What is found elsewhere (<c>all-truncated</c> by the examples, <c>loss-not-finite</c> by the trainer) has none here.</summary>
    public static IReadOnlyList<IGuard> Standard() =>
    [
        new NothingSupervised(), new BaseTrainable(), new LearningRateUnfit(), new AlphaUnusual(), new RankTooHigh(), new TargetsExceedNeed(), new MemoryTight(),
        new TemplateOfOtherFamily(), new EndOfTurnUntrained(), new ValidationLeaks(),
        new MemoryHigh(), new LossDiverges(), new Overfitting(), new ZeroGradients(), new BaseChanged(), new SlowFourBitInference(DecodingSpeed.Measure),
    ];

    /// <summary>Puts a guard in the place of the one of its name, unless that is silenced.</summary>
    public void Replace(IGuard guard)
    {
        var at = guards.FindIndex(g => g.Id == guard.Id);
        if (at >= 0) guards[at] = guard;
    }

    /// <summary>Looks at the run before it begins.</summary>
    /// <returns>The warnings.</returns>
    /// <exception cref="GuardException">It must not begin.</exception>
    public IReadOnlyList<RunWarning> Before()
    {
        var found = guards.Select(g => (g.Id, Finding: g.Before(run))).Where(f => f.Finding is not null).Select(f => (f.Id, Finding: f.Finding!)).ToList();
        if (found.Any(f => f.Finding.IsError)) throw new GuardException([.. found.Where(f => f.Finding.IsError).Select(f => (f.Id, f.Finding.Message))]);
        return [.. found.Select(f => Warning(f.Id, f.Finding))];
    }

    /// <summary>Looks at an event.</summary>
    /// <returns>The warnings; null for none, which is the rule.</returns>
    public List<RunWarning>? During(TrainingEvent happened)
    {
        List<RunWarning>? warnings = null;
        if (happened is RunWarning) return null;
        foreach (var guard in guards)
            if (!spoke.Contains(guard.Id) && guard.During(happened, run) is { } finding) (warnings ??= []).Add(Warning(guard.Id, finding));
        return warnings;
    }

    /// <summary>Shows the guards the gradients of a step.</summary>
    public void SeeGradients(FlatParameters parameters)
    {
        foreach (var guard in guards) guard.SeeGradients(parameters);
    }

    /// <summary>Looks at the run behind its last step.</summary>
    public IReadOnlyList<RunWarning> After() =>
        [.. guards.Where(g => !spoke.Contains(g.Id)).Select(g => (g.Id, Finding: g.After(run))).Where(f => f.Finding is not null).Select(f => Warning(f.Id, f.Finding!))];

    private RunWarning Warning(string id, GuardFinding finding)
    {
        spoke.Add(id);
        return new RunWarning(finding.Message) { Id = id };
    }
}
