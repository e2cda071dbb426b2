namespace LowRank.Models.Tokenization;

/// <summary>A tokenizer file that is missing, is not valid JSON, or lacks what a tokenizer needs. The message names file, place and cause.</summary>
public class TokenizerFormatException : LowRankException
{
    /// <summary>An error with its message.</summary>
    public TokenizerFormatException(string message) : base(message)
    {
    }

    /// <summary>An error with its message and the error that caused it.</summary>
    public TokenizerFormatException(string message, Exception inner) : base(message, inner)
    {
    }
}
