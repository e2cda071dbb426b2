namespace LowRank.Formats;

/// <summary>A safetensors file or folder that is missing, damaged or not what it claims to be.</summary>
public sealed class SafetensorsException : LowRankException
{
    /// <summary>Creates the error.</summary>
    /// <param name="file">The file or folder.</param>
    /// <param name="message">What is wrong, with its numbers.</param>
    /// <param name="tensor">The tensor at fault, where there is one.</param>
    public SafetensorsException(string file, string message, string? tensor = null) : base(message)
    {
        File = file;
        Tensor = tensor;
    }

    /// <summary>The file or folder.</summary>
    public string File { get; }

    /// <summary>The tensor at fault, or null.</summary>
    public string? Tensor { get; }
}
