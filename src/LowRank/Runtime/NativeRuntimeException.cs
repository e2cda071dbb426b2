namespace LowRank.Runtime;

/// <summary>libtorch or TorchSharp's native part is missing, does not load, or has a version that does not work.</summary>
public sealed class NativeRuntimeException : LowRankException
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What was looked for, where, and what to do.</param>
    public NativeRuntimeException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the error around its cause.</summary>
    /// <param name="message">What was looked for, where, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public NativeRuntimeException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}
