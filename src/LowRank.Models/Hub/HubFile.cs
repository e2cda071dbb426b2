namespace LowRank.Models.Hub;

/// <summary>A file of a repository as the hub describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Etag">SHA-256 of large files, git's blob SHA-1 of others; the name of its blob.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Uri">Where its content is.</param>
internal sealed record HubFile(string Name, string Etag, long Bytes, Uri Uri);
