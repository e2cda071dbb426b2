namespace LowRank.Models.Hub;

/// <summary>A file of a repository as the hub describes it.</summary>
/// <param name="Name">Its name in the repository, with slashes.</param>
/// <param name="Etag">SHA-256 of large files, git's blob SHA-1 of others; the name of its blob.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Source">Its address at the hub, which does not change.</param>
internal sealed record HubFile(string Name, string Etag, long Bytes, Uri Source)
{
    /// <summary>Where its content is: a storage host's address is signed for some minutes only, so a long download may need a new one.</summary>
    public Uri Location { get; set; } = Source;
}
