using LowRank.Formats;

namespace LowRank.Models.Hub.Contents;

/// <summary>Which files of a repository are wanted, and whether a folder has them all.</summary>
internal abstract class HubContent
{
    /// <summary>The files to download first.</summary>
    /// <param name="id">The repository.</param>
    /// <param name="files">The names of all its files.</param>
    /// <exception cref="HubException">The repository does not hold what is wanted; the message says what it holds.</exception>
    public abstract IReadOnlyList<string> First(HubId id, IReadOnlyCollection<string> files);

    /// <summary>The files that those downloaded first name, such as shards of an index.</summary>
    public virtual IReadOnlyList<string> Named(string snapshot, IReadOnlyList<string> first) => [];

    /// <summary>Files that other programs ask for and that this repository may lack; where it does, the cache says so to them.</summary>
    public virtual IReadOnlyList<string> Optional => [];

    /// <summary>Whether a snapshot folder holds all that is wanted.</summary>
    /// <param name="snapshot">The folder.</param>
    /// <param name="isAbsent">Whether the cache knows that the repository has no file of this name.</param>
    public abstract bool IsWhole(string snapshot, Func<string, bool> isAbsent);

    /// <summary>Some of the names of a repository, for messages.</summary>
    protected static string Listing(IEnumerable<string> files)
    {
        var names = files.Order(StringComparer.Ordinal).ToArray();
        return names.Length == 0 ? "It has no files." : $"There are: {string.Join(", ", names.Take(12))}{(names.Length > 12 ? $" and {names.Length - 12} more" : "")}.";
    }

    /// <summary>Whether a file is there, not a link to a blob that is gone.</summary>
    protected static bool Has(string snapshot, string name) => HubCache.IsThere(Path.Combine(snapshot, name));

    /// <summary>The shards that the index in a folder names.</summary>
    protected static IReadOnlyList<string> Shards(string snapshot) => SafetensorsIndex.Read(Path.Combine(snapshot, SafetensorsFolder.IndexFile)).Shards;
}
