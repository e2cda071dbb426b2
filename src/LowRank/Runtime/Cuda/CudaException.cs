namespace LowRank.Runtime.Cuda;

/// <summary>NVRTC or the CUDA driver is missing, or refused a call.</summary>
internal sealed class CudaException : LowRankException
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What was called, what it answered, and what to do.</param>
    public CudaException(string message)
        : base(message)
    {
    }
}
