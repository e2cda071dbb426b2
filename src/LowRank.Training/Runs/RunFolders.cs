using LowRank.Training.Checkpoints;

namespace LowRank.Training.Runs;

/// <summary>Finds runs below a folder.</summary>
internal static class RunFolders
{
    private static readonly EnumerationOptions Options = new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = true,
        MaxRecursionDepth = 8,
        // A link may lead back.
        AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden | FileAttributes.System,
    };

    /// <summary>The folders with a <c>run.json</c>, that folder itself included, in the order of their names.</summary>
    /// <param name="folder">Where to look, up to eight levels deep. Hidden folders and links are passed over.</param>
    /// <exception cref="LowRankException">There is no such folder.</exception>
    public static IReadOnlyList<string> Below(string folder)
    {
        if (!Directory.Exists(folder)) throw new LowRankException($"{folder} is no folder: lowrank runs [FOLDER] lists the runs below it.");
        return [.. Directory.EnumerateFiles(folder, RunRecord.FileName, Options).Select(f => Path.GetDirectoryName(Path.GetFullPath(f))!).Order(StringComparer.Ordinal)];
    }
}
