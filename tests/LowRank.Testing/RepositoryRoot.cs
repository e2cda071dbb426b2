namespace LowRank.Testing;

/// <summary>Finds the folder that holds <c>LowRank.slnx</c>, from the program's folder upwards.</summary>
public static class RepositoryRoot
{
    /// <summary>The folder, or null for a test program that was published and copied elsewhere.</summary>
    public static string? Folder { get; } = Find();

    private static string? Find()
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
            if (File.Exists(Path.Combine(d.FullName, "LowRank.slnx"))) return d.FullName;
        return null;
    }
}
