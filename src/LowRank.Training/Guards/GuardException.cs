namespace LowRank.Training.Guards;

/// <summary>A run that must not begin, because guards found mistakes in it. All of them are told together.</summary>
public sealed class GuardException : LowRankException
{
    internal GuardException(IReadOnlyList<(string Id, string Message)> found)
        : base(found.Count == 1 ? found[0].Message : $"{found.Count} things are wrong with this run:\n  {string.Join("\n  ", found.Select(f => $"[{f.Id}] {f.Message}"))}")
    {
        Ids = [.. found.Select(f => f.Id)];
        GuardId = found.Count == 1 ? found[0].Id : null;
    }

    /// <summary>The guards that stopped the run.</summary>
    public IReadOnlyList<string> Ids { get; }
}
