using Xunit;

namespace LowRank.Testing;

/// <summary>Public data sets for <c>Category=RealModel</c>: in <c>LOWRANK_DATASETS</c>, else in <c>../shared/datasets</c> beside the repository.</summary>
public static class RealData
{
    /// <summary>The path of a data file; skips the running test with the reason where it is not there.</summary>
    /// <param name="file">The path below the folder, such as <c>clinc/intents-20.train.jsonl</c>.</param>
    public static string Require(string file)
    {
        var folder = Environment.GetEnvironmentVariable("LOWRANK_DATASETS") is { Length: > 0 } set ? set
            : RepositoryRoot.Folder is { } root ? Path.Combine(root, "..", "shared", "datasets") : null;
        var path = folder is null ? null : Path.GetFullPath(Path.Combine(folder, file));
        Assert.SkipUnless(path is not null && File.Exists(path), $"{file} is not in LOWRANK_DATASETS or ../shared/datasets");
        return path!;
    }
}
