using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>
/// Identifies a base model by its tensors as loaded: XxHash128 over the names and shapes, and over the bytes beside them. It does not depend
/// on the order of the tensors or on the files they lie in, so a checkpoint in shards has the fingerprint of the whole one.
/// </summary>
/// <param name="Shapes">32 hexadecimal digits of names and shapes.</param>
/// <param name="Weights">32 hexadecimal digits of names, shapes and bytes: the id of the base.</param>
public sealed record BaseFingerprint(string Shapes, string Weights)
{
    /// <summary>The id of the warning that an adapter was trained on another base of the same shapes.</summary>
    public const string WarningId = "LRW001";

    /// <summary>
    /// The fingerprint of a checkpoint whose tensors are plain numbers. Pages of the file are dropped behind the reader, so that a large
    /// checkpoint does not stay in memory.
    /// </summary>
    /// <param name="source">The tensors.</param>
    public static BaseFingerprint Of(ITensorSource source)
    {
        var builder = new BaseFingerprintBuilder();
        foreach (var tensor in source.Tensors) builder.Add(source, tensor);
        return builder.Finish();
    }

    /// <summary>Compares the base that an adapter was trained on with the one it is loaded onto.</summary>
    /// <param name="trained">The fingerprint in the adapter's record; null where there is none, as in an adapter of PEFT.</param>
    /// <param name="loaded">The fingerprint of the base in use.</param>
    /// <param name="folder">The adapter's folder, for the message.</param>
    /// <returns>A warning that begins with <see cref="WarningId"/> where the weights differ, else null.</returns>
    /// <exception cref="AdapterException">The base in use has other tensors or shapes.</exception>
    public static string? Compare(BaseFingerprint? trained, BaseFingerprint loaded, string folder)
    {
        if (trained is null || trained == loaded) return null;
        if (trained.Shapes != loaded.Shapes)
            throw new AdapterException(folder, $"the adapter was trained on a base with other tensors (shapes {trained.Shapes}, here {loaded.Shapes}). Load it on the model that it was trained on.");
        return $"{WarningId}: {folder} was trained on a base with other weights (fingerprint {trained.Weights}, here {loaded.Weights}). Its results will differ from those of its training.";
    }
}
