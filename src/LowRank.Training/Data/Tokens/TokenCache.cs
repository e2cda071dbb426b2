using LowRank.Models.Hub;
using LowRank.Runtime;
using LowRank.Training.Data.Rows;

namespace LowRank.Training.Data.Tokens;

/// <summary>
/// Tokenized data on disk, so that a second run with the same data and model begins at once. Files are called by a hash of everything that the tokens depend on
/// (<see cref="TokenKey"/>), are written whole or not at all, by one process at a time, and checked when they are opened; a damaged one is made again. What was not used
/// for 30 days is removed when something is added.
/// </summary>
/// <param name="folder">Where the files lie; null for no cache.</param>
internal sealed class TokenCache(string? folder)
{
    /// <summary>The variable that says where the cache lies.</summary>
    public const string Variable = "LOWRANK_DATA_CACHE";

    /// <summary>Less content than this is tokenized anew each time: that takes less than a second.</summary>
    public const long SmallestContent = 1 << 20;

    private static readonly TimeSpan Unused = TimeSpan.FromDays(30);

    /// <summary>The least content, in bytes, that is kept. Default <see cref="SmallestContent"/>.</summary>
    public long Smallest { get; init; } = SmallestContent;

    /// <summary>The folder, or null where nothing is kept.</summary>
    public string? Folder => folder;

    /// <summary>The user's cache: the folder of <c>LOWRANK_DATA_CACHE</c>, or <c>data</c> in the folder of what LowRank keeps.</summary>
    public static TokenCache OfUser(bool isOn) => new(!isOn ? null
        : Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set ? Path.GetFullPath(set) : Path.Combine(NativePlaces.UserFolder, "data"));

    /// <summary>
    /// The tokens of the first rows of a list, from the cache or made now. Null where they are few and nothing is kept: then they are made in memory. Rows that are streamed
    /// always go through a file; without a cache it lies in the system's temporary folder and is gone when it is closed.
    /// </summary>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="builder">Makes the examples.</param>
    /// <param name="text">What identifies tokenizer and template.</param>
    /// <param name="progress">Is told what is being done.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="LowRankException">Rows cannot be used, or the disk is full.</exception>
    public TokenFile? Open(RowList rows, int count, ExampleBuilder builder, string text, Action<string>? progress, CancellationToken cancellation)
    {
        if (folder is null || rows.ContentBytes < Smallest) return rows is KeptRows or JoinedRows { IsKept: true } ? null : Temporary(rows, count, builder, progress, cancellation);
        var path = Path.Combine(folder, TokenKey.Of(rows, count, builder.Options, text, cancellation) + ".tokens");
        if (Existing(path, count, progress, tellsDamage: false) is { } there) return there;
        HubLock? held = null;
        try
        {
            held = HubLock.TakeAsync(path + ".lock", cancellation).GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            progress?.Invoke($"Tokens are not kept, because {folder} cannot be written ({fault.Message}); --data-cache off says so from the start");
            return rows is KeptRows or JoinedRows { IsKept: true } ? null : Temporary(rows, count, builder, progress, cancellation);
        }
        using (held)
        {
            // Another process may have made it while this one waited.
            if (Existing(path, count, progress, tellsDamage: true) is { } made) return made;
            Write(rows, count, builder, path, progress, cancellation);
            Prune();
            return TokenFile.Open(path, count) ?? throw new LowRankException($"{path}: what was just written cannot be read back. Is the disk sound? --data-cache off does without.");
        }
    }

    private static TokenFile? Existing(string path, int count, Action<string>? progress, bool tellsDamage)
    {
        if (!File.Exists(path)) return null;
        try
        {
            if (TokenFile.Open(path, count) is { } whole)
            {
                Touch(path);
                progress?.Invoke($"{count} rows are tokenized already ({path})");
                return whole;
            }
            if (tellsDamage) progress?.Invoke($"{path} is damaged and is made again");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            if (tellsDamage) progress?.Invoke($"{path} cannot be read and is made again: {fault.Message}");
        }
        return null;
    }

    private static void Write(RowList rows, int count, ExampleBuilder builder, string path, Action<string>? progress, CancellationToken cancellation) =>
        RowTokenizer.Write(rows, count, builder, path, progress: progress is null ? null : done => progress($"Tokenized {done} of {count} rows"), cancellation: cancellation);

    private static TokenFile Temporary(RowList rows, int count, ExampleBuilder builder, Action<string>? progress, CancellationToken cancellation)
    {
        var path = Path.Combine(Path.GetTempPath(), $"lowrank-{Guid.NewGuid():N}.tokens");
        Write(rows, count, builder, path, progress, cancellation);
        return TokenFile.Open(path, count, deleteOnClose: true) ?? throw new LowRankException($"{path}: what was just written cannot be read back. Is the disk sound?");
    }

    // When a file was last used is its time; where that cannot be set, it is made again one day.
    private static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A cache that others own is read all the same.
        }
    }

    private void Prune()
    {
        var oldest = TimeProvider.System.GetUtcNow().UtcDateTime - Unused;
        foreach (var file in Directory.EnumerateFiles(folder!, "*.tokens*").Concat(Directory.EnumerateFiles(folder!, "*.rows*")))
        {
            try
            {
                if (File.GetLastWriteTimeUtc(file) < oldest) File.Delete(file);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // In use elsewhere, or another's.
            }
        }
    }
}
