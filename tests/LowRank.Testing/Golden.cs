using Xunit;

namespace LowRank.Testing;

/// <summary>
/// Discovers the cases of golden tests by walking the reference folder: <c>LOWRANK_FIXTURES</c>, else <c>tests/fixtures</c>
/// of the repository. Every row is named <c>golden:KIND:CASE</c>, so that <c>eng/goldens.sh</c> can count by kind.
/// </summary>
public static class Golden
{
    /// <summary>The folder of reference data. It may not exist.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("LOWRANK_FIXTURES") is { Length: > 0 } set ? Path.GetFullPath(set)
        : Path.Combine(RepositoryRoot.Folder ?? AppContext.BaseDirectory, "tests", "fixtures");

    /// <summary>A path below <see cref="Root"/>.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>
    /// One row for each file or folder that matches <paramref name="pattern"/> in <paramref name="folder"/> below the root.
    /// The case's name is that of the file or folder, without the extension of a file.
    /// </summary>
    /// <param name="kind">The kind under which the results are counted, such as <c>chat/rendered</c>.</param>
    /// <param name="folder">The folder below the root.</param>
    /// <param name="pattern">A search pattern for names in that folder; a pattern ending in <c>/</c> takes folders.</param>
    /// <param name="skip">Gives the reason why a case (by its name) is not built yet, or null to run it.</param>
    public static IEnumerable<TheoryDataRow<string>> Cases(string kind, string folder, string pattern, Func<string, string?>? skip = null)
    {
        var at = At(folder.Split('/'));
        var names = !Directory.Exists(at) ? []
            : pattern.EndsWith('/') ? Directory.GetDirectories(at, pattern[..^1]).Select(p => Path.GetFileName(p))
            : Directory.GetFiles(at, pattern).Select(p => Path.GetFileNameWithoutExtension(p));
        return Cases(kind, names.Order(StringComparer.Ordinal), skip);
    }

    /// <summary>One row for each name; a single skipped row that says "absent" when there is none.</summary>
    public static IEnumerable<TheoryDataRow<string>> Cases(string kind, IEnumerable<string> names, Func<string, string?>? skip = null)
    {
        var any = false;
        foreach (var name in names)
        {
            any = true;
            yield return new TheoryDataRow<string>(name) { TestDisplayName = $"golden:{kind}:{name}", Skip = skip?.Invoke(name) };
        }
        if (!any)
            yield return new TheoryDataRow<string>("") { TestDisplayName = $"golden:{kind}:(absent)", Skip = $"absent: {Root} has no case of {kind}" };
    }
}
