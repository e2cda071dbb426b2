using LowRank.Formats;

namespace LowRank.Models.Merging;

/// <summary>A checkpoint of which some tensors come from elsewhere, by the same names. It owns neither.</summary>
/// <param name="source">The checkpoint.</param>
/// <param name="others">Where the others lie.</param>
/// <param name="replaced">The others, by the names under which they appear.</param>
internal sealed unsafe class ReplacedTensors(ITensorSource source, ITensorSource others, IReadOnlyDictionary<string, TensorInfo> replaced) : ITensorSource
{
    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; } = [.. source.Tensors.Where(t => !replaced.ContainsKey(t.Name)), .. replaced.Select(r => r.Value with { Name = r.Key })];

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info)
    {
        if (!replaced.TryGetValue(name, out var other)) return source.TryGet(name, out info);
        info = other with { Name = name };
        return true;
    }

    /// <inheritdoc/>
    public byte* Pointer(TensorInfo info) => replaced.TryGetValue(info.Name, out var other) ? others.Pointer(other) : source.Pointer(info);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => replaced.TryGetValue(info.Name, out var other) ? others.Bytes(other) : source.Bytes(info);

    /// <inheritdoc/>
    public void DropPages(TensorInfo info)
    {
        if (replaced.TryGetValue(info.Name, out var other)) others.DropPages(other);
        else source.DropPages(info);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
