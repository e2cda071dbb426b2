namespace LowRank.Models.Hub;

/// <summary>
/// Lets one process at a time download a file: <c>.locks/REPOSITORY/ETAG.lock</c> of the cache, locked as Python's filelock does (flock on Unix, a
/// file that cannot be shared on Windows), so that Python's libraries and LowRank wait for each other. The file stays, as theirs does.
/// </summary>
internal sealed class HubLock : IDisposable
{
    private readonly FileStream stream;

    private HubLock(FileStream stream) => this.stream = stream;

    /// <summary>Waits until the lock is free and takes it.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled while waiting.</exception>
    public static async Task<HubLock> TakeAsync(string path, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new HubLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException e) when (IsHeld(e))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellation);
            }
        }
    }

    // EAGAIN of Linux and of macOS; ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
    private static bool IsHeld(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021);

    public void Dispose() => stream.Dispose();
}
