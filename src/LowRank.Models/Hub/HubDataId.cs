using System.Diagnostics.CodeAnalysis;

namespace LowRank.Models.Hub;

/// <summary>
/// Data on the hub: <c>org/name</c>, with <c>@revision</c>, and after a colon a file of the repository or a split (<c>train</c>, or
/// <c>folder/train</c> where several folders have one). A leading <c>datasets/</c>, as in addresses of the hub, is left out.
/// </summary>
/// <param name="Repository">The repository, a data set.</param>
/// <param name="Part">The file or split; null for the split train.</param>
internal sealed record HubDataId(HubId Repository, string? Part)
{
    private const string Prefix = "datasets/";
    private static readonly string[] FileExtensions = [".jsonl", ".ndjson", ".json", ".txt", ".csv", ".tsv", ".parquet", ".arrow", ".gz", ".zst", ".zip"];

    /// <summary>Reads an id. Text that names something on this machine, or that looks like the path of a data file, is none.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubDataId? id)
    {
        id = null;
        if (Path.Exists(text)) return false;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var (name, part) = colon < 0 ? (text, null) : (text[..colon], text[(colon + 1)..]);
        if (part is "" || part is null && FileExtensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase)) return false;
        if (name.StartsWith(Prefix, StringComparison.Ordinal) && name.AsSpan(Prefix.Length).Contains('/')) name = name[Prefix.Length..];
        if (!HubId.TryParse(name, out var repository)) return false;
        id = new HubDataId(repository with { Kind = HubRepositoryKind.Dataset }, part);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Part is null ? Repository.ToString() : $"{Repository}:{Part}";
}
