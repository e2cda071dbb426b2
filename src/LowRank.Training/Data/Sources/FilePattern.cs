using System.IO.Enumeration;

namespace LowRank.Training.Data.Sources;

/// <summary>Files by a pattern: <c>*</c> and <c>?</c> within a name, <c>**</c> for any folders between. In ordinal order of their paths, so that it is the same everywhere.</summary>
internal static class FilePattern
{
    /// <summary>Whether a text has characters of a pattern.</summary>
    public static bool IsOne(string text) => text.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <exception cref="LowRankException">No file is called so.</exception>
    public static IReadOnlyList<string> Find(string pattern)
    {
        var parts = pattern.Replace('\\', '/').Split('/');
        var first = Array.FindIndex(parts, IsOne);
        var folder = first == 0 ? "" : string.Join('/', parts[..first]) is { Length: > 0 } named ? named : "/";
        var found = new List<string>();
        if (Directory.Exists(folder.Length == 0 ? "." : folder)) Add(folder, parts.AsSpan(first), found);
        if (found.Count == 0) throw new LowRankException($"{pattern}: no file is called so (patterns take * and ? in names, and ** for any folders)");
        return [.. found.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    private static void Add(string folder, ReadOnlySpan<string> parts, List<string> found)
    {
        var place = folder.Length == 0 ? "." : folder;
        if (parts[0] == "**")
        {
            if (parts.Length > 1) Add(folder, parts[1..], found);
            foreach (var inner in Directory.EnumerateDirectories(place)) Add(Join(folder, Path.GetFileName(inner)), parts.Length > 1 ? parts : ["**", "*"], found);
            if (parts.Length == 1) Add(folder, ["*"], found);
            return;
        }
        var name = parts[0];
        if (parts.Length == 1)
        {
            foreach (var file in Directory.EnumerateFiles(place))
                if (Fits(name, Path.GetFileName(file))) found.Add(Join(folder, Path.GetFileName(file)));
            return;
        }
        foreach (var inner in Directory.EnumerateDirectories(place))
            if (Fits(name, Path.GetFileName(inner))) Add(Join(folder, Path.GetFileName(inner)), parts[1..], found);
    }

    // A hidden file is meant only where its dot is written.
    private static bool Fits(string pattern, string name) => (name[0] != '.' || pattern[0] == '.') && FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    private static string Join(string folder, string name) => folder.Length == 0 ? name : folder.EndsWith('/') ? folder + name : $"{folder}/{name}";
}
