namespace LowRank.Formats;

/// <summary>A GGUF file that is missing, damaged, or holds something that is not supported.</summary>
public sealed class GgufException : LowRankException
{
    /// <summary>Creates the error.</summary>
    /// <param name="file">The file, or null where the error is about a tensor type alone.</param>
    /// <param name="message">What is wrong, with its numbers.</param>
    /// <param name="subject">The metadata key or tensor at fault, where there is one.</param>
    public GgufException(string? file, string message, string? subject = null) : base(message)
    {
        File = file;
        Subject = subject;
    }

    /// <summary>The file, or null.</summary>
    public string? File { get; }

    /// <summary>The metadata key or tensor at fault, or null.</summary>
    public string? Subject { get; }
}
