namespace LowRank.Training;

/// <summary>The models, data and texts that come with the program: beside it, or in the repository above it.</summary>
internal static class ShippedFiles
{
    /// <summary>The full path of a file or folder.</summary>
    /// <param name="path">Its place in the repository, such as <c>assets/tiny</c>.</param>
    /// <exception cref="LowRankException">It is not there.</exception>
    public static string Find(string path)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (Path.Combine(folder, path) is var found && Path.Exists(found)) return found;
        throw new LowRankException($"{path} is neither beside the program ({AppContext.BaseDirectory}) nor in a folder above it. The file comes with LowRank: install the tool again, or run it from a clone of the repository.");
    }
}
