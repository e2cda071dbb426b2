using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LowRank.Models.Hub.Transfer;

/// <summary>The hash that a file's ETag is: SHA-256 for large files, git's blob SHA-1 for small ones. Another kind of ETag cannot be checked.</summary>
internal sealed class HubHash : IDisposable
{
    private readonly HubFile file;
    private readonly IncrementalHash? hash;

    /// <summary>Begins the hash of a file.</summary>
    public HubHash(HubFile file)
    {
        this.file = file;
#pragma warning disable CA5350 // git's object hash, as a check of the transfer
        hash = file.Etag.Length == 64 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : file.Etag.Length == 40 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA1) : null;
#pragma warning restore CA5350
        Begin();
    }

    /// <summary>Adds the next bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes) => hash?.AppendData(bytes);

    /// <summary>Adds all bytes of a stream from its beginning on.</summary>
    public async Task AddAsync(Stream stream, CancellationToken cancellation)
    {
        if (hash is null) return;
        var buffer = new byte[1 << 18];
        stream.Position = 0;
        for (int n; (n = await stream.ReadAsync(buffer, cancellation)) > 0;) hash.AppendData(buffer, 0, n);
    }

    /// <summary>Forgets what was added.</summary>
    public void Restart()
    {
        _ = hash?.GetHashAndReset();
        Begin();
    }

    /// <summary>Whether the bytes are those of the ETag; ends the hash.</summary>
    public bool IsRight() => hash is null || Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Etag;

    /// <inheritdoc/>
    public void Dispose() => hash?.Dispose();

    private void Begin()
    {
        if (file.Etag.Length == 40) hash?.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Bytes}\0")));
    }
}
