namespace LowRank.Cli;

/// <summary>What the program tells the shell.</summary>
internal static class ExitCode
{
    /// <summary>What was asked for is done.</summary>
    public const int Done = 0;

    /// <summary>It could not be done; the reason is on the error stream.</summary>
    public const int Failed = 1;

    /// <summary>The command line or a settings file is wrong.</summary>
    public const int WrongUsage = 2;

    /// <summary>The user stopped it (128 + SIGINT, as shells have it).</summary>
    public const int Interrupted = 130;
}
