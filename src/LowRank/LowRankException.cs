namespace LowRank;

/// <summary>
/// Base of every error that a user of LowRank can cause or mend. The message says what is wrong, where, and what to do;
/// a program may print it as it is. Errors of LowRank itself are not of this type.
/// </summary>
public class LowRankException : Exception
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What is wrong, where (file, line, key), and what to do.</param>
    public LowRankException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the error around its cause.</summary>
    /// <param name="message">What is wrong, where (file, line, key), and what to do.</param>
    /// <param name="inner">The cause.</param>
    public LowRankException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>The stable name of the guard that found the mistake, such as <c>base-trainable</c>; null for errors without one.</summary>
    public string? GuardId { get; init; }
}
