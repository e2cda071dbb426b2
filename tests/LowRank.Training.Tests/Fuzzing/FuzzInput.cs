namespace LowRank.Training.Tests.Fuzzing;

/// <summary>A damaged file on its way through its reader.</summary>
/// <param name="bytes">The file.</param>
/// <param name="folder">A folder of its own, emptied behind it.</param>
internal sealed class FuzzInput(byte[] bytes, string folder)
{
    /// <summary>The file.</summary>
    public byte[] Bytes => bytes;

    /// <summary>The file as text; what is no UTF-8 is U+FFFD.</summary>
    public string Text => System.Text.Encoding.UTF8.GetString(bytes);

    /// <summary>A folder for it.</summary>
    public string Folder => folder;

    /// <summary>Whether its outermost form was accepted.</summary>
    public bool HasPassedHeader { get; private set; }

    /// <summary>Tells that the outermost form was accepted.</summary>
    public void PassHeader() => HasPassedHeader = true;

    /// <summary>Writes it under a name into its folder and gives the path.</summary>
    public string Write(string name)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
