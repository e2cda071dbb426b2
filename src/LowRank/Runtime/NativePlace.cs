namespace LowRank.Runtime;

/// <summary>A folder that may hold libtorch, TorchSharp's native part, or both.</summary>
/// <param name="Source">What the place is, in words for a user.</param>
/// <param name="Folder">The folder; it need not exist.</param>
internal sealed record NativePlace(string Source, string Folder)
{
    /// <summary>The files of <paramref name="names"/> that the folder lacks.</summary>
    public string[] Missing(params ReadOnlySpan<string> names)
    {
        var missing = new List<string>();
        foreach (var name in names)
            if (!File.Exists(Path.Combine(Folder, name))) missing.Add(name);
        return [.. missing];
    }

    public string PathOf(string name) => Path.Combine(Folder, name);
}
