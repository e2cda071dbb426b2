using LowRank.Training.Data;

namespace LowRank.Training.Import;

/// <summary>Data of other tools in the form that <c>--data</c> takes: a file, or a data set of the hub with its split.</summary>
internal static class DataParts
{
    /// <summary>A file or hub id with a split or a file of it.</summary>
    /// <param name="path">A path or a hub id.</param>
    /// <param name="split">The split; null for train.</param>
    /// <param name="file">A file of the data set; null for none.</param>
    public static string Of(string path, string? split, string? file = null)
    {
        if (file is not null) return DataSource.IsOnHub(path) ? $"{path}:{file}" : Path.Combine(path, file).Replace('\\', '/');
        return split is null or "train" || !DataSource.IsOnHub(path) ? path : $"{path}:{split}";
    }
}
