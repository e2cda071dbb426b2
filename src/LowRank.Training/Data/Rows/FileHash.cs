using System.Security.Cryptography;

namespace LowRank.Training.Data.Rows;

/// <summary>The SHA-256 of a file's bytes, by which the cache knows content: names and times of files say nothing sure about it.</summary>
internal static class FileHash
{
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static byte[] Of(string path, CancellationToken cancellation = default)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, FileOptions.SequentialScan);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        while (stream.Read(buffer) is > 0 and var read)
        {
            cancellation.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
        }
        return hash.GetHashAndReset();
    }
}
