namespace LowRank.Adapters;

/// <summary>An adapter folder that is missing, damaged or not made for the model. It lists everything that does not fit.</summary>
public sealed class AdapterException : LowRankException
{
    /// <summary>An error about a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="problems">The single things that do not fit; empty where the message says it all.</param>
    public AdapterException(string folder, string message, IReadOnlyList<string>? problems = null)
        : base(problems is { Count: > 0 } ? $"{folder}: {message}\n  - {string.Join("\n  - ", problems)}" : $"{folder}: {message}")
    {
        Folder = folder;
        Problems = problems ?? [];
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The single things that do not fit.</summary>
    public IReadOnlyList<string> Problems { get; }
}
