using LowRank.Models.Hub.Contents;

namespace LowRank.Training.Data.Sources;

/// <summary>A folder of this machine with data in it: files named by their split, or LLaMA-Factory's <c>dataset_info.json</c>.</summary>
internal static class DataFolder
{
    private static readonly string[] Weights = [".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt"];

    /// <summary>A folder and what is wanted of it: <c>FOLDER</c>, or <c>FOLDER:part</c>. Null where the text names no folder that is there.</summary>
    public static (string Folder, string? Part)? Parse(string text)
    {
        if (File.Exists(text)) return null;
        if (Directory.Exists(text)) return (text, null);
        return text.LastIndexOf(':') is > 0 and var colon && colon < text.Length - 1 && Directory.Exists(text[..colon]) ? (text[..colon], text[(colon + 1)..]) : null;
    }

    /// <summary>The files of a split, a file, or a name of <c>dataset_info.json</c>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="part">What is wanted, or null for the split of the training rows.</param>
    /// <param name="options">How the files are read, where the folder does not say.</param>
    /// <exception cref="LowRankException">There is nothing of that name.</exception>
    public static IReadOnlyList<LocatedFile> Locate(string folder, string? part, DatasetOptions options)
    {
        var info = DatasetInfo.In(folder);
        if (part is not null && info?.Find(part, options) is { } named) return [named];
        var files = Files(folder);
        var (chosen, problem) = new DataContent(part).Choose(folder, files);
        if (problem is null) return [.. chosen.Select(f => new LocatedFile(Path.Combine(folder, f), options))];
        var names = info is null ? "" : $" Its {DatasetInfo.FileName} has the data sets {string.Join(", ", info.Names)}: name one with {folder}:NAME.";
        throw new LowRankException($"{folder}: {problem}{names}");
    }

    /// <summary>Whether a folder has files of a split.</summary>
    public static bool Has(string folder, string split) => new DataContent(split).Choose(folder, Files(folder)).Problem is null;

    /// <summary>Whether a folder holds data, and no model or adapter.</summary>
    public static bool IsOne(string folder) => Directory.Exists(folder) && !File.Exists(Path.Combine(folder, "config.json")) && !File.Exists(Path.Combine(folder, "adapter_config.json"))
        && !Directory.EnumerateFiles(folder).Any(IsWeights)
        && (File.Exists(Path.Combine(folder, DatasetInfo.FileName)) || Files(folder).Any(DataContent.IsReadable));

    /// <summary>Whether a file is one of weights, by its name.</summary>
    public static bool IsWeights(string path) => Weights.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    private static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 3, IgnoreInaccessible = true }).Select(f => Path.GetRelativePath(folder, f).Replace('\\', '/'))];
}
