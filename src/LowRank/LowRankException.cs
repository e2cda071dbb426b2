namespace LowRank;

/// <summary>
/// An error that a user can cause and can act on. The message says what is wrong, where (file, line, key), and what to do;
/// the command line shows it alone, without a stack trace.
/// </summary>
public class LowRankException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    public LowRankException(string message) : base(message) { }

    /// <summary>Creates the error with its cause.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="inner">The error that led to this one.</param>
    public LowRankException(string message, Exception inner) : base(message, inner) { }
}
