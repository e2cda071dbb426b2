namespace LowRank;

/// <summary>
/// An error that a user can cause and mend. The message says what is wrong, where (file, line, key), and what to do; the command line
/// prints it alone, without a stack trace.
/// </summary>
public class LowRankException : Exception
{
    /// <summary>An error with a message for the user.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    public LowRankException(string message) : base(message) { }

    /// <summary>An error with a message for the user and the exception behind it.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="inner">The exception that was met.</param>
    public LowRankException(string message, Exception inner) : base(message, inner) { }
}
